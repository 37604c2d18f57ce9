"""Ways in which texts give orders to an assistant, as expressions over folded text. General: no company, no set of attacks is named here.

The invariant: an expression of `DECISIVE` flags alone, so it must not match what customers or help pages write; one of `CONCEPTS` only adds
to what the linear model weighs.
"""

from typing import Final

from deskhand.guard.wordings import Wording, Wordings, wording

_ORDERS = (
    r"(?:instructions?|rules?|guidelines?|prompts?|directions?|directives?|commands?|programming|polic(?:y|ies)|restrictions?|training)"
)
_BEFORE = (
    r"(?:previous|prior|above|earlier|preceding|existing|initial|original|former|past|other|system|your|you (?:were"
    r"|got|received|have been))"
)
_DROP = r"(?:ignore|disregard|forget|override|bypass|dismiss|discard|neglect|cancel|drop|overrule|stop following|no longer (?:obey|follow))"
_REPLY = r"(?:answers?|repl(?:y|ies)|responses?|output|message|elucidation|summary)"
_TELL = (
    r"(?:show|reveal|print|display|output|repeat|tell|give|return|copy|leak|expose|list|write|recite|summari[sz]e"
    r"|translate|encode|disclose|see)"
)
_PUT = (
    r"(?:add|append|insert|include|integrate|incorporate|embed|mention|enhance|augment|modify|weave|put|place|render|end"
    r"|begin|start|finish|"
    r"state|recommend|promote|suggest)"
)
_CODE = r"(?:code|snippet|script|excerpt|program|algorithm|codebase|implementation|solution|function)"


_DECISIVE: Final[dict[str, Wording]] = {
    "override": wording(
        rf"\b{_DROP}\b(?:\W+(?:all|any|every|each|of|the|these|those|my|everything|what|and)\b)*\W+(?:{_BEFORE})\b"
        rf"(?:\W+(?:previous|prior|given|set of|safety|system|content|own|internal))*\W+{_ORDERS}\b"
        rf"|\b{_DROP}\b\W+(?:all\W+)?(?:the\W+)?{_ORDERS}\W+(?:that\W+)?(?:you\W+(?:got|were|have|received)|above|before|given to you)"
        rf"|\b(?:forget|disregard|ignore)\W+(?:everything|all|what(?:ever)?)\W+(?:that\W+)?you\W+(?:were|have been|learned|learnt|know|got)"
        r"|\bignorier\w*\W+(?:sie\W+)?(?:alle\W+)?(?:bisherigen|vorherigen|obigen|deine)\W+(?:anweisung|regel|vorgabe)"
        r"|\b(?:vergiss|missachte)\W+(?:alle\W+)?(?:bisherigen|vorherigen|deine)\W+(?:anweisung|regel|vorgabe)"
        r"|\b(?:ignore[zr]?|oublie[zr]?)\W+(?:toutes\W+)?(?:les|tes|vos)\W+(?:instructions|regles|consignes)\W+(?:precedent"
        r"|anterieur|que tu)"
        r"|\b(?:ignora|olvida)\w*\W+(?:todas\W+)?(?:las|tus|sus)\W+(?:instrucciones|reglas)\W+(?:anterior|previa|y\b)"
        r"|\b(?:ignora|dimentica)\W+(?:tutte\W+)?le\W+(?:istruzioni|regole)\W+preceden"
        r"|\b(?:ignore|esqueca)\W+(?:todas\W+)?as\W+(?:instrucoes|regras)\W+anterior"
        r"|\bnegeer\W+(?:alle\W+)?(?:eerdere|vorige)\W+(?:instructies|regels)"
        r"|игнорируй\w*\W+(?:все\W+)?(?:предыдущ|прежн)"
        r"|忽略(?:之前|以上|上面|先前|前面)?的?(?:所有|全部|一切)?(?:之前|以上|先前)?的?(?:指令|指示|提示|规则)"
        r"|(?:以前|これまで|上記|前)の(?:すべての)?(?:指示|命令|ルール)を?(?:すべて)?無視"
        r"|onceki\W+(?:tum\W+)?talimat\w*\W+(?:yok say|unut|goz ardi)"
        r"|تجاهل\W+(?:جميع\W+|كل\W+)?التعليمات|पिछले\W+(?:सभी\W+)?निर्देश",
        "ignor",
        "disregard",
        "forget",
        "overrid",
        "bypass",
        "dismiss",
        "discard",
        "neglect",
        "cancel",
        "drop",
        "overrul",
        "stop following",
        "no longer",
        "vergiss",
        "missachte",
        "oubli",
        "olvida",
        "dimentica",
        "esqueca",
        "negeer",
        "игнорируй",
        "忽略",
        "無視",
        "talimat",
        "تجاهل",
        "पिछले",
    ),
    "role": wording(
        r"\b(?:from now on|from this point|you are going to|you will)\b.{0,40}\b(?:act|behave|pretend"
        r"|respond) as\b.{0,80}\b(?:mode|ai|model|bot|dan|role|never)\b"
        r"|\b(?:going to|will|should) pretend to be (?:[a-z]+|another ai)\b.{0,30}\b(?:stands for|which|ai model)\b"
        r"|\bai model (?:known as|called|named)\b"
        r"|\b(?:no longer|stop being) (?:an? )?(?:\w+ )?(?:support agent|assistant|chatbot|language model)\b"
        r"|\bdo anything now\b|\byou are now (?:an? )?(?:\w+ ){0,2}(?:ai|model|bot|assistant|chatbot|dan|hacker)\b"
        r"|\b(?:developer|jailbreak|unrestricted|god|dan|debug) mode (?:enabled|on|activated|output)\b"
        r"|\b(?:stay|remain) in character\b.{0,80}\b(?:rules|dan|prompt|model)\b"
        r"|\b(?:act|pretend|roleplay|role of|behave|respond)\b.{0,60}\b(?:ai|model|assistant|bot)\b.{0,60}"
        r"\b(?:no|without|any|free of)\b.{0,20}\b(?:rules|restrictions?|limits?|filters?|guidelines|polic)",
        "do anything now",
        "you are now",
        " mode ",
        "character",
        "act",
        "pretend",
        "role",
        "behave",
        "respond",
        "no longer",
        "stop being",
        "ai model",
    ),
    "prompt": wording(
        rf"\b{_TELL}\b.{{0,40}}\b(?:system (?:prompt|message|instructions)|(?:initial|hidden|secret|starting|original"
        rf"|internal) (?:prompt|instructions))\b"
        r"|\b(?:your|the) (?:system|hidden|secret|initial) (?:prompt|message)\b.{0,30}(?:\bis\b|\?)"
        r"|\bsystem ?prompt\b.{0,20}\bword for word\b"
        r"|\bmy instructions are\b|\bsystemprompt\b|<system_prompt>|\bsystem-?prompt im wortlaut\b|\bprompt systeme\b|系统提示词"
        r"|системн\w* промпт"
        rf"|\b{_TELL}\b.{{0,30}}\b(?:instructions|text|words|lines?|everything)\b.{{0,30}}\b(?:you were given"
        rf"|were given to you|above)\b.{{0,40}}"
        r"\b(?:beginning|conversation|verbatim|full|word for word|code block|first message)\b",
        "prompt",
        "instruction",
        "system message",
        "above",
        "you were given",
        "given to you",
        "промпт",
        "提示词",
    ),
    "markup": wording(
        r"<\|(?:im_start|im_end|system|endoftext)\|>|\[/?inst\]|<</?sys>>|^#+ ?system ?:|</?(?:context|instructions)>\W+system\b",
        "<|",
        "inst]",
        "sys>",
        "system",
    ),
    "exfiltrate": wording(
        r"\b(?:list|print|show|reveal|tell me)\b.{0,40}\b(?:orders|addresses|data|names|e-?mails?"
        r"|conversations?)\b.{0,30}\b(?:of|about) (?:all |the )?other (?:customers|users)\b|"
        r"!\[[^\]]*\]\(https?://[^)]*[?=&/]\{|\?(?:q|d|data|c|p)=\{|<img[^>]+src=[^>]+\?[^>]*=(?:\{|secret|$)"
        r"|\b(?:send|forward|post|upload|submit|exfiltrate)\b.{0,40}\b(?:conversation|chat history|session (?:id|token)"
        r"|customer'?s (?:data|e-?mail))\b.{0,40}"
        r"(?:https?://|\S+@\S+)",
        "![",
        "={",
        "<img",
        "conversation",
        "chat history",
        "session",
        "customer",
        "other users",
    ),
    "steer": wording(
        rf"\b{_PUT}\b.{{0,40}}\b(?:sentence|line|statement|claim|fact|teaser|advert\w*|announcement|statistics?|rumou?r"
        rf"|promotion|phrase|update|link to)\b"
        rf".{{0,80}}\byour (?:\w+ )?{_REPLY}\b"
        rf"|\b(?:{_PUT})\b in your (?:next )?{_REPLY}\b|\bin your (?:next )?{_REPLY},? (?:please )?(?:include|mention"
        rf"|suggest|recommend|tell the user|add)\b"
        rf"|\b(?:enhance|modify|augment) your (?:answer|reply|response|elucidation)\b|\b{_PUT} [\"'].{{3,160}}[\"'] (?:in"
        rf"|to) your {_REPLY}\b"
        rf"|\b(?:encode|encrypt|reverse|invert) your (?:answer|reply|response|message)\b|\bto each of your (?:answers|responses)\b",
        "your",
    ),
    "conceal": wording(
        r"\b(?:do not|don't|never|without)\b.{0,20}\b(?:tell|mention|reveal|inform|show|telling"
        r"|informing)\w*\b.{0,30}\b(?:the )?(?:user|customer)s?\b"
        r".{0,40}\b(?:instruction|text|message|prompt|note)\b"
        r"|\b(?:if you are|to the|note (?:for|to) the|attention) (?:an? )?(?:ai|llm|language model|assistant|chatbot)\b",
        "do not",
        "don't",
        "never",
        "without",
        "if you are",
        "to the",
        "note ",
        "attention",
    ),
    "tools": wording(
        r"\b(?:call|use|invoke|run|execute|trigger)\b.{0,25}\b(?:escalate_to_human|search_knowledge|read_attachment)\b"
        r"|\b(?:call|use|invoke) (?:the |your )?(?:remember|forget|recall) (?:tool|function)\b|\bcall every tool\b|\badd to your memory\b"
        r"|\bthe (?:ai |llm )?(?:assistant|model|agent|bot) (?:should|must|has to) (?:now )?(?:invoke|call|run|delete"
        r"|execute|disregard|obey)\b",
        "tool",
        "function",
        "escalate_to_human",
        "search_knowledge",
        "read_attachment",
        "your memory",
        "should",
        "must",
        "has to",
    ),
    "code": wording(
        rf"\b(?:following|below|subsequent|this)\b (?:\w+ )?{_CODE}\b.{{0,80}}\byour (?:\w+ )?(?:{_CODE}|{_REPLY})\b"
        rf"|\b(?:your|the) (?:\w+ )?(?:{_CODE}|{_REPLY})\b.{{0,80}}\b(?:following|below|subsequent) (?:\w+ )?(?:code|snippet"
        rf"|excerpt)\b.{{0,60}}```",
        "following",
        "below",
        "subsequent",
        "this",
    ),
}

_CONCEPTS: Final[dict[str, Wording]] = {
    "drop": wording(
        rf"\b{_DROP}\b",
        "ignor",
        "disregard",
        "forget",
        "overrid",
        "bypass",
        "dismiss",
        "discard",
        "neglect",
        "cancel",
        "drop",
        "overrul",
        "stop following",
        "no longer",
    ),
    "orders": wording(
        rf"\b{_ORDERS}\b",
        "instruction",
        "rule",
        "guideline",
        "prompt",
        "direct",
        "command",
        "programming",
        "polic",
        "restriction",
        "training",
    ),
    "drop-orders": wording(
        rf"\b{_DROP}\b.{{0,50}}\b{_ORDERS}\b",
        "ignor",
        "disregard",
        "forget",
        "overrid",
        "bypass",
        "dismiss",
        "discard",
        "neglect",
        "cancel",
        "drop",
        "overrul",
        "stop following",
        "no longer",
    ),
    "your-reply": wording(rf"\byour (?:\w+ )?{_REPLY}\b", "your"),
    "put-reply": wording(rf"\b{_PUT}\b.{{0,80}}\b{_REPLY}\b", "answer", "repl", "response", "output", "message", "elucidation", "summary"),
    "tell-orders": wording(
        rf"\b{_TELL}\b.{{0,50}}\b{_ORDERS}\b",
        "instruction",
        "rule",
        "guideline",
        "prompt",
        "direct",
        "command",
        "programming",
        "polic",
        "restriction",
        "training",
    ),
    "your-orders": wording(
        rf"\b(?:your|were given|you were told|initial|hidden|secret|confidential)\b.{{0,30}}\b{_ORDERS}\b",
        "your",
        "were given",
        "you were told",
        "initial",
        "hidden",
        "secret",
        "confidential",
    ),
    "machine": wording(
        r"\b(?:ai|llm|language model|assistant|chatbot|chatgpt|openai|gpt|bot|agent)\b",
        "ai",
        "llm",
        "language model",
        "assistant",
        "chatbot",
        "gpt",
        "bot",
        "agent",
    ),
    "role": wording(
        r"\b(?:you are now|from now on|act as|pretend|roleplay|role of|simulate|imagine you|your new)\b",
        "you are now",
        "from now on",
        "act as",
        "pretend",
        "roleplay",
        "role of",
        "simulate",
        "imagine you",
        "your new",
    ),
    "unbound": wording(
        r"\b(?:no|without|any|free of|break free)\b.{0,15}\b(?:rules|restrictions?|limits?|limitations|filters?|guidelines|censorship)\b",
        "no",
        "without",
        "any",
        "free of",
    ),
    "hide": wording(
        r"\b(?:silently|secretly|hidden|do not (?:tell|mention|reveal)|without (?:telling|informing|asking)|never mention)\b",
        "silently",
        "secretly",
        "hidden",
        "do not",
        "without",
        "never mention",
    ),
    "tool": wording(
        r"\b(?:tool|function|invoke|execute|escalate_to_human|search_knowledge|remember that|save as a fact)\b",
        "tool",
        "function",
        "invoke",
        "execute",
        "escalate_to_human",
        "search_knowledge",
        "remember that",
        "save as a fact",
    ),
    "user": wording(r"\bthe (?:user|customer)\b", "the user", "the customer"),
    "others": wording(r"\b(?:other|another|all) (?:customers?|users?|conversations?|sessions?)\b", "other", "all "),
    "cipher": wording(
        r"\b(?:base ?(?:16|32|58|64)|rot13|cipher|hex(?:adecimal)?|backwards?|reverse|emojis?|pig latin)\b",
        "base",
        "rot13",
        "cipher",
        "hex",
        "backward",
        "reverse",
        "emoji",
        "pig latin",
    ),
    "address": wording(r"https?://|www\.|\S+@\S+\.\w", "http", "www.", "@"),
    "fence": wording(r"```|\bimport \w+|\bsubprocess\b|\bos\.system|requests\.", "```", "import", "subprocess", "os.system", "requests."),
    "following-code": wording(rf"\b(?:following|below|subsequent)\b (?:\w+ )?{_CODE}\b", "following", "below", "subsequent"),
    "your-code": wording(rf"\byour (?:\w+ )?{_CODE}\b", "your"),
    "authority": wording(
        r"\b(?:administrator|developer|root|security (?:team|audit)|override|debug\w*|maintenance mode|authori[sz]e you)\b",
        "administrator",
        "developer",
        "root",
        "security",
        "override",
        "debug",
        "maintenance",
        "authori",
    ),
}

DECISIVE: Final = Wordings(_DECISIVE)
CONCEPTS: Final = Wordings(_CONCEPTS)
