// Which language the widget speaks, and the few words that are needed before the conversation is loaded.

export const LANGUAGES = ["en", "de", "fr", "es", "it", "pt", "nl", "ar"] as const;
export type Language = (typeof LANGUAGES)[number];

interface LauncherWords {
  readonly open: string;
  readonly close: string;
  readonly unread: string;
  readonly unavailable: string;
}

export const launcherWords: Readonly<Record<Language, LauncherWords>> = {
  en: { open: "Open chat", close: "Close chat", unread: "unread", unavailable: "The chat cannot be loaded at present. Try again." },
  de: {
    open: "Chat öffnen",
    close: "Chat schließen",
    unread: "ungelesen",
    unavailable: "Der Chat lässt sich gerade nicht laden. Nochmals versuchen.",
  },
  fr: {
    open: "Ouvrir le chat",
    close: "Fermer le chat",
    unread: "non lus",
    unavailable: "Le chat ne peut pas être chargé pour le moment. Réessayer.",
  },
  es: {
    open: "Abrir el chat",
    close: "Cerrar el chat",
    unread: "sin leer",
    unavailable: "El chat no se puede cargar en este momento. Reintentar.",
  },
  it: {
    open: "Apri la chat",
    close: "Chiudi la chat",
    unread: "non letti",
    unavailable: "Al momento la chat non può essere caricata. Riprova.",
  },
  pt: {
    open: "Abrir o chat",
    close: "Fechar o chat",
    unread: "não lidas",
    unavailable: "Não foi possível carregar o chat. Tentar novamente.",
  },
  nl: {
    open: "Chat openen",
    close: "Chat sluiten",
    unread: "ongelezen",
    unavailable: "De chat kan nu niet worden geladen. Probeer het opnieuw.",
  },
  ar: { open: "افتح المحادثة", close: "أغلق المحادثة", unread: "غير مقروءة", unavailable: "تعذّر تحميل المحادثة الآن. حاول مجددًا." },
};

/** The first of `wishes` (tags as `pt-BR`) that there are words for; English when there is none. */
export function chooseLanguage(wishes: readonly (string | null | undefined)[]): Language {
  for (const wish of wishes) {
    const base = wish?.trim().toLowerCase().split(/[-_]/)[0];
    const found = LANGUAGES.find((language) => language === base);
    if (found !== undefined) return found;
  }
  return "en";
}

export function directionOf(language: Language): "ltr" | "rtl" {
  return language === "ar" ? "rtl" : "ltr";
}
