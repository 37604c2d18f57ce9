"""Words are found in another form than they were written in, in every script."""

import pytest

from deskhand.knowledge import Audience, KnowledgeService, SourceDocument
from deskhand.knowledge.analysis import analyse
from deskhand.words import fold, stem

# For each language its documents, and questions that put their words another way: inflected, with an article, without accents.
DOCUMENTS = {
    "ar": ["يمكنك تغيير كلمة المرور من صفحة الإعدادات.", "تصل الطرود خلال ثلاثة أيام عمل.", "نرسل الفواتير في بداية كل شهر."],
    "el": [
        "Μπορείτε να αλλάξετε τον κωδικό πρόσβασης στις ρυθμίσεις.",
        "Τα δέματα φτάνουν σε τρεις εργάσιμες ημέρες.",
        "Τα τιμολόγια στέλνονται κάθε μήνα.",
    ],
    "es": [
        "Puede cambiar la contraseña en los ajustes.",
        "Los paquetes llegan en tres días laborables.",
        "Enviamos las facturas cada mes.",
    ],
    "hi": ["आप सेटिंग्स में पासवर्ड बदल सकते हैं।", "पैकेज तीन कार्य दिवसों में पहुँचते हैं।", "हम हर महीने चालान भेजते हैं; सड़क का पता दें।"],
    "ko": ["설정에서 비밀번호를 변경할 수 있습니다.", "소포는 영업일 기준 사흘 안에 도착합니다.", "매달 청구서를 보내 드립니다."],
    "ro": ["Puteți schimba parola în setări.", "Coletele sosesc în trei zile lucrătoare.", "Trimitem facturile în fiecare lună."],
    "ru": ["Пароль можно изменить в настройках.", "Посылки приходят за три рабочих дня.", "Счета мы отправляем каждый месяц."],
    "th": ["คุณสามารถเปลี่ยนรหัสผ่านได้ในหน้าตั้งค่า", "พัสดุจะมาถึงภายในสามวันทำการ", "เราส่งใบแจ้งหนี้ทุกเดือน"],
    "tr": [
        "Şifrenizi ayarlardan değiştirebilirsiniz.",
        "Paketler üç iş gününde ulaşır.",
        "Faturaları her ay göndeririz; ışık İstanbul'da.",
    ],
    "vi": ["Bạn có thể đổi mật khẩu trong phần cài đặt.", "Gói hàng sẽ đến trong ba ngày làm việc.", "Chúng tôi gửi hóa đơn hằng tháng."],
    "zh": ["您可以在设置中更改密码。", "包裹会在三个工作日内送达。", "我们每月发送账单。"],
}
QUESTIONS = [
    ("ar", "كلمات المرور", 0),
    ("ar", "والفواتير", 2),
    ("ar", "طُرُودي", 1),
    ("el", "ΚΩΔΙΚΟΣ", 0),
    ("el", "πότε θα έρθει το δέμα;", 1),
    ("el", "τιμολογιο", 2),
    ("es", "contrasenas", 0),
    ("es", "¿Cuándo llegará mi paquete?", 1),
    ("es", "factura", 2),
    ("hi", "पैकेजों", 1),
    ("hi", "सडक", 2),
    ("hi", "पासवर्ड कैसे बदलूँ", 0),
    ("ko", "비밀번호 변경", 0),
    ("ko", "청구서는 언제", 2),
    ("ro", "parole", 0),
    ("ro", "când sosește coletul meu", 1),
    ("ro", "luna asta vreau o factura", 2),
    ("ru", "забыл пароли", 0),
    ("ru", "где моя посылка", 1),
    ("ru", "счёт за месяц", 2),
    ("th", "รหัสผ่าน", 0),
    ("th", "พัสดุถึงเมื่อไหร่", 1),
    ("tr", "ŞİFRE", 0),
    ("tr", "sifremi nasil degistiririm", 0),
    ("tr", "paketim ne zaman ulaşacak", 1),
    ("tr", "istanbul", 2),
    ("vi", "MẬT KHẨU", 0),
    ("vi", "mat khau", 0),
    ("vi", "hoa don", 2),
    ("zh", "怎么改密码", 0),
    ("zh", "账单什么时候发", 2),
]


def _document(language: str, number: int, text: str) -> SourceDocument:
    name = f"{language}-{number}"
    return SourceDocument(f"test:{name}", name, "a.md", text.encode(), title=name)


async def test_each_language_is_found_by_other_forms_of_its_words(knowledge: KnowledgeService) -> None:
    documents = [_document(language, number, text) for language, texts in DOCUMENTS.items() for number, text in enumerate(texts)]
    assert (await knowledge.ingest(documents, sync_scope=None)).failed == ()
    wrong = []
    for language, question, number in QUESTIONS:
        found = await knowledge.search(question, limit=1, audience=Audience.public())
        if [passage.title for passage in found] != [f"{language}-{number}"]:
            wrong.append((question, [passage.title for passage in found]))
    assert wrong == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("كَلِمَةٌ", "كلمه"),
        ("أحمد", "احمد"),
        ("κωδικός", "ΚΩΔΙΚΟΣ"),
        ("mật khẩu", "mat khau"),
        ("Đổi", "doi"),
        ("İSTANBUL", "istanbul"),
        ("ışık", "isik"),
        ("ștergeți", "stergeti"),
        ("şterge", "șterge"),
        ("सड़क", "सडक"),
        ("счёт", "счет"),
        ("Straße", "STRASSE"),
    ],
)
def test_two_spellings_of_a_word_are_one(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(("one", "other"), [("काम", "कम"), ("มา", "มี"), ("май", "маи"), ("が", "か"), ("비", "피")])
def test_two_words_are_not_made_one_by_taking_vowels_or_letters_off(one: str, other: str) -> None:
    assert fold(one) != fold(other)
    assert set(analyse(one)[0].tolist()) != set(analyse(other)[0].tolist())


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [("ar", "الكلمات", "كلمة"), ("hi", "लड़कियों", "लड़की"), ("ru", "настройках", "настройки")],
)
def test_forms_of_a_word_have_one_stem(language: str, one: str, other: str) -> None:
    assert stem(fold(one), language) == stem(fold(other), language)


def test_a_figure_is_one_word_however_it_is_parted() -> None:
    assert analyse("1,500")[0].tolist() == analyse("1.500")[0].tolist()
    assert analyse("12,90")[0].tolist() == analyse("12.90")[0].tolist()
    assert not set(analyse("12")[0].tolist()) & set(analyse("12.90")[0].tolist())
