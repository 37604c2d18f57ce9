"""The words with which customers ask for a person, in the languages we know. Data of `signals`; one entry a language.

Folded as `words.fold` does it. A `*` ends a stem. `contact` asks to be put in touch and counts beside any `person`; `want` is weaker
and counts only beside a `surely_person` word. `alone` asks by itself, but for "are you a real person?". `negation` directly before one of
them takes it back.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Vocabulary:
    contact: str
    person: str
    surely_person: str
    want: str = ""
    # Of `surely_person`, those that name software as well: wanted, they are a person only with nothing before them but `epithets`.
    software: str = ""
    epithets: str = ""
    negation: str = ""
    filler: str = ""
    alone: str = ""
    # Said directly before `alone`, they only ask whom one talks to.
    identity: str = ""
    # Said directly before `contact`, it is told and not asked.
    past: str = ""
    # Whole expressions that ask for a person, or refuse the machine, on their own.
    expressions: str = ""


ENGLISH = Vocabulary(
    contact="""
        talk, talking, talk to, speak, speaking, chat with, chat to, put me, put us, putting me, connect me, connect us, connect to,
        connect with, transfer me, transfer us, pass me, pass this, hand me, hand this, switch me, forward me, redirect me, escalate,
        call me, phone me, reach, get hold of, get in touch with, get through to, get me, gimme, give me, let me have, talk with,
        discuss this with, directly ask, ask that from, hear from, word with, patch me, route me, live chat with, in contact with,
        contact with, ring me, answered by""",
    person="""
        person, people, someone, somebody, anyone, anybody, someone else, somebody else, manager, supervisor, boss, advisor, adviser,
        staff, employee, worker, colleague, team, support, customer service, customer care, customer support, helpdesk, specialist,
        consultant, expert, reception, receptionist, front desk, concierge, service desk, someone in charge, somebody in charge, cust
        service, person in charge, your guys, your people, receptionists""",
    surely_person="""
        human, humans, human being, agent, agents, representative, representatives, rep, operator, real person, live person, actual
        person, normal person, real human, live agent, human agent, real people, someone real, somebody real, bank worker, customer
        representative, executive, team member, member of staff, customer care""",
    want="""want, need, wanna, prefer, would like, like, require, demand, is there, are there, where is, where's, get, deal with,
        rather, transfer to, transferred to, put through to, help from, gimme, assistance from, any""",
    software="agent, agents, operator, executive",
    epithets="""a, an, the, any, some, one, of, your, you, my, other, another, different, real, live, actual, human, non-robotic, better,
        to, with, from, at, by, in, on, be, me, us, just, please, customer, service, support, care, phone, chat, telephone, company, bank,
        sales, desk""",
    negation="don't, dont, never, without, needn't, do not, no need, not need, not want, not to, rather not, instead of",
    filler="""please, now, a, an, the, real, live, me, to, hi, hello, hey, i, want, need, with, and, just, asap, ok, okay, no, can, yes,
        pls, plz, chat, customer, service""",
    expressions="""
        get someone to help, get somebody to help, someone to help me, get someone else, somebody else help, someone else help, can
        somebody else take, can someone else take, somebody else look, someone else look, with a machine, with a robot, to a machine,
        to a robot, to a bot, to bots, with a bot, with bots, to a wall, to an ai, with an ai, don't want to talk to you, dont want to
        talk to you, do not want to talk to you, don't want to speak to you, don't want to speak with you, stop talking to bots, no
        bots, no more bots, call me back, someone call me, somebody call me, talk to the manager, speak to the manager, get the
        manager, get your manager, live chat, live support, a callback, request callback, callback please, a call back, human help,
        human support, human assistance, person help me, want a bot, want a robot, talk to a bot, talking to a bot, not a bot, no
        robots, someone on the phone, somebody on the phone, person on the phone, someone on the line, want a person, need a person, a
        person please, prefer a person, someone in person""",
    alone="real person, real human, actual person, actual human, live person, live agent, human agent, real people, human person",
    identity="are you a, are you an, you a, you an, this a, you're a, is it a",
)

OTHERS: tuple[Vocabulary, ...] = (
    # German
    Vocabulary(
        contact="""
            sprechen, reden, verbinden, verbinde, verbunden, verbindet, durchstellen, durchgestellt, stellen sie mich, weiterleiten,
            weitergeleitet, chatten, telefonieren, unterhalten, gesprach, ruckruf, kontakt, erreichen, erreiche, holen sie,
            gib mir, geben sie mir, leiten sie mich, leite mich, leitet mich""",
        person="""
            rezeption*, empfang, filialleit*, jemand*, person, kolleg*, chef*, vorgesetzt*, team, support, kundendienst*,
            kundenservice*, kundenberat*, abteilung, leiter*, manager*""",
        surely_person="""
            mensch*, mitarbeiter*, berater*, sachbearbeiter*, agent, agenten, ansprechpartner*, echte person, echten person, operator""",
        want="mochte, will, brauche, hatte gern, bitte, gibt es, gibts, wo ist, einen echten, einen richtigen",
        software="agent, agenten, operator",
        epithets="ein, eine, einen, einem, der, den, dem, ihr, ihre, ihren, hier, auch, mit, von, anderen, echten, richtigen",
        negation="keinen, kein, keine, nie, ohne, muss nicht",
        filler="bitte, jetzt, ein, einen, einem, mit, echten, echter, richtigen, hallo, ich, will, mochte",
        expressions="""
            nicht mit einer maschine, nicht mit einem bot, nicht mit einem roboter, mit keiner maschine, rufen sie mich an, rufen sie mich
            zuruck, ruf mich an, ruckruf bitte, um ruckruf, einen ruckruf, ruckruf erwunscht, zuruckrufen lassen,
            zuruckgerufen werden, jemand anrufen, jemand zuruckrufen, mich anrufen, mich zuruckrufen, keinem bot, keinem
            roboter, keiner maschine, kein bot, keinen bot, mit einem bot""",
        alone="echte menschen, echten menschen, echter mensch, echte person, echten person, richtigen menschen, richtiger mensch",
        identity="sind sie ein, sind sie eine, bist du ein, bist du eine",
    ),
    # French
    Vocabulary(
        contact="""
            parler, parle, discuter, echanger, joindre, passez, passez-moi, passe, passer, transferez*, transferer, mettez*, mettre en
            relation, mise en relation, contacter, appeler, connecter, avoir quelqu'un, en contact""",
        person="""
            quelqu'un, personne, responsable*, superieur*, equipe, reception, receptionniste, accueil, service
            client, support, employe*, collegue*, interlocut*, specialiste*""",
        surely_person="""
            humain*, conseiller*, conseillere*, agent*, operateur*, operatrice*, representant*, vraie personne, personne reelle, etre
            humain, interlocuteur*, interlocutrice*""",
        want="veux, voudrais, souhaite, souhaiterais, besoin, prefere, aimerais, y a-t-il",
        negation="sans, jamais, pas besoin, ne veux pas, pas",
        filler="s'il, vous, te, plait, svp, un, une, vrai, vraie, bonjour, je, veux, voudrais, moi, a",
        expressions="""
            avec un robot, a un robot, a une machine, a un bot, avec un bot, rappelez-moi, appelez-moi, qu'on me rappelle, etre rappele*,
            me rappeler, pas de robot""",
        alone="vraie personne, vrai humain, personne reelle, vrai conseiller",
        identity="es une, etes une, es un, etes un, vous un, vous une, tu un, tu une",
        past="ai, avons, a, avez",
    ),
    # Spanish
    Vocabulary(
        contact="""
            hablar, hablo, habla, hablarle, conversar, chatear, comunicarme, comuniqueme, comunicame, comunicar*, paseme, pasame, pasarme,
            pongame, ponme, poner, transfier*, transferir*, conectar*, conecta*, contactar, derivar*, derive*, atienda,
            atender*, pasar, ablar, contacto con""",
        person="""
            alguien, recepcion, recepcionista, persona, personas, encargad*, supervisor*, gerente*, jefe*, emplead*, equipo, servicio al
            cliente, atencion al cliente, soporte""",
        surely_person="""
            humano*, humana*, agente*, asesor*, representante*, operador*, ejecutiv*, persona real, persona de verdad, ser humano,
            teleoperador*""",
        want="quiero, quisiera, necesito, prefiero, deseo, me gustaria, hay",
        negation="sin, nunca, no quiero, no necesito, tampoco",
        filler="por, favor, un, una, real, hola, con, ya, ahora, quiero, necesito, a",
        expressions="""
            con una maquina, con un robot, con un bot, con robots, que me llamen, que me llame, llamenme, llamame, me llamen, llamar
            alguien, alguien me llame, puede llamarme, pueden llamarme, puede llamar, pueden llamar, quiero una llamada,
            alguna persona ahi, alguien ahi, de un humano, atencion humana, ayuda humana""",
        alone="persona real, persona de verdad, humano real, agente humano",
        identity="eres una, eres un, es usted una, es usted un, usted una, usted un",
    ),
    # Italian
    Vocabulary(
        contact="""
            parlare, parlo, parlarne, chattare, passami, passatemi, passarmi, mi passi, mettimi, mettetemi, mettermi, trasferi*,
            contattare, collegami, collegatemi, collegarmi, collegare, connett*, chiamare, mi metta, in contatto""",
        person="""
            qualcuno, persona, responsabil*, capo, team, servizio clienti, assistenza, reception, impiegat*, colleg*, supervisore,
            direttore""",
        surely_person="uman*, operator*, agente, agenti, consulent*, addett*, rappresentant*, persona reale, persona vera, essere umano",
        want="voglio, vorrei, ho bisogno, desidero, preferisco, preferirei, c'e",
        negation="senza, mai, non voglio, non serve",
        filler="per, favore, un, una, vero, reale, ciao, con, subito, voglio, vorrei",
        expressions="""
            con una macchina, con un robot, con un bot, richiamatemi, mi richiami, essere richiamat*, essere contattat*, chiamatemi,
            potete chiamarmi, puo chiamarmi, chiamarmi qualcuno, qualcuno chiamarmi, fatemi chiamare""",
        alone="persona reale, persona vera, vera persona, umano vero, operatore umano, aiuto umano",
        identity="sei una, sei un, e una, e un",
    ),
    # Portuguese
    Vocabulary(
        contact="""
            falar, fala, falo, conversar, passe, passa, passar, passa-me, passe-me, transfere, transferir*, transfira*, conectar*,
            conecte*, encaminhar*, encaminhe*, contatar, contactar, ligar, chamar, chama, atendido, atendida, contato com,
            contacto com""",
        person="""
            alguem, pessoa, gente, especialista*, recepcao, supervisor*, gerente*, responsavel, chefe, equipe, equipa, suporte,
            atendimento, funcionari*, colaborador*""",
        surely_person="""
            human*, atendente*, agente*, representante*, operador*, pessoa real, pessoa de verdade, ser humano, assistente humano""",
        want="quero, queria, gostaria, preciso, prefiro, desejo, tem",
        negation="sem, nunca, nao quero, nao preciso",
        filler="por, favor, um, uma, real, ola, com, agora, quero, preciso",
        expressions="""
            com uma maquina, com um robo, com robo, com robos, com um bot, me liguem, me ligue, me ligar, liguem-me, ligue-me, podem
            ligar, pode ligar, pessoa me atenda, humano me atenda, de um humano, alguma pessoa ai, alguem ai, atendimento humano,
            ajuda humana""",
        alone="pessoa real, pessoa de verdade, gente de verdade, atendente humano",
        identity="es uma, e uma, voce e uma, voce e um",
    ),
    # Dutch
    Vocabulary(
        contact="""
            spreken, praten, chatten, verbinden, verbind, doorverbinden, doorverbonden, doorverbind, bellen, contact met, geef me,
            overleggen, te woord""",
        person="iemand, persoon, collega*, team, klantenservice, leidinggevende*, manager, chef, support",
        surely_person="mens, mensen, medewerk*, agent, adviseur*, vertegenwoordig*, echt persoon, echte persoon",
        want="wil, zou graag, graag, heb, nodig, is er",
        negation="geen, nooit, zonder, hoef niet",
        filler="alsjeblieft, alstublieft, graag, een, echte, met, nu, hallo, ik, wil",
        expressions="""
            met een robot, met een machine, met een bot, bel me, bel mij, iemand aan de telefoon, iemand aan de lijn, mij terugbellen, me
            terugbellen, teruggebeld""",
        alone="echt persoon, echte persoon, echt mens",
        identity="ben je een, bent u een",
    ),
    # Polish
    Vocabulary(
        contact="rozmawiac, rozmowa, porozmawiac, polacz*, polaczyc, przelacz*, przekieruj*, pogadac, skontakt*, kontakt*, mowic",
        person="kims, ktos, osob*, kierownik*, przelozon*, menedzer*, wsparci*, obslug*",
        surely_person="czlowiek*, konsultant*, pracownik*, agent*, doradc*, operator*, przedstawiciel*, zywym",
        want="chce, chcialbym, chcialabym, potrzebuje, prosze, wole",
        negation="nie chce, bez, nigdy, nie musze",
        filler="prosze, z, ja, chce, zywym, prawdziwym",
    ),
    # Turkish
    Vocabulary(
        contact="konus*, gorus*, bagla*, aktar*, yonlendir*, iletisim*, ara, ulas*",
        person="biri*, kisi*, birisi*, yonetici*, mudur*, ekip, destek",
        surely_person="insan*, temsilci*, yetkili*, operator*, danisman*, musteri hizmet*, canli destek, gercek kisi*",
        want="istiyorum, isterim, lazim, var",
        negation="istemiyorum",
        filler="lutfen, bir, ile, gercek, canli, hemen",
    ),
    # Swedish, Danish, Norwegian
    Vocabulary(
        contact="prata, tala, snakke, snakker, tale, koppla, koppl*, viderestill*, forbinde, ring, stille meg, saette mig, kontakt*",
        person="nagon, nogen, noen, person, kollega, chef, sjef, support, kundservice, kundeservice, kundtjanst",
        surely_person="""
            manniska, manniskor, menneske, mennesker, medarbetare, medarbejder, medarbeider, agent, handlaggare, radgivare, radgiver,
            konsulent""",
        want="vill, vil, behover, trenger, onskar",
        negation="inte, ikke, utan, uten, uden",
        filler="tack, snalla, en, ett, et, riktig, med, jag, jeg",
    ),
    # Russian and Ukrainian
    Vocabulary(
        contact="""
            поговор*, говор*, соедин*, переключ*, переведи*, связ*, позов*, позвать, общат*, пообщат*, дозвон*, свяж*, зʼєдна*, з'єдна*,
            розмовл*, зв'яз*, перемкн*""",
        person="кем-то, кем-нибудь, кемто, кто-то, кого-то, начальник*, руководител*, менеджер*, поддержк*, кимось, хтось, керівник*",
        surely_person="""
            человек*, люди, людьми, оператор*, сотрудник*, специалист*, консультант*, представител*, агент*, живым, живого, живой, людин*,
            працівник*""",
        want="хочу, нужен, нужна, нужно, дайте, хотел*, можно, потрібен, потрібна, хотів",
        negation="не надо, не нужно, не нужен, не хочу, без, никогда",
        filler="пожалуйста, с, живой, мне, будь, ласка, хочу",
    ),
    # Indonesian, Malay
    Vocabulary(
        contact="bicara, berbicara, ngobrol, hubungkan, sambungkan, dihubungkan, disambungkan, chat, telepon",
        person="orang, seseorang, admin, staf, customer service, cs, tim, atasan, manajer",
        surely_person="manusia, agen, petugas, operator, perwakilan, orang asli",
        want="mau, ingin, butuh, minta, perlu",
        negation="tidak perlu, jangan, tanpa",
        filler="tolong, dengan, saya, mau",
    ),
    # Vietnamese
    Vocabulary(
        contact="noi chuyen, gap, chat voi, ket noi, chuyen toi, chuyen cho, noi may, trao oi, trao đoi",
        person="ai đo, nguoi, quan ly, bo phan",
        surely_person="nhan vien, tu van vien, nguoi that, tong đai vien, con nguoi",
        want="muon, can, cho toi",
        negation="khong can, khong muon",
        filler="toi, voi, vui, long",
    ),
    # Arabic
    Vocabulary(
        contact="""
            اتحدث, التحدث, اتكلم, التكلم, اكلم, التواصل, تحويلي, تحويل, حولني, حولوني, وصلني, كلمني, محادثه, محادثة, الاتصال, اتواصل,
            التكلم""",
        person="شخص, احد, احدهم, مدير, المدير, مسؤول, المسؤول, مسوول, خدمة العملاء, خدمه العملاء, الدعم, مشرف",
        surely_person="انسان, موظف, الموظف, ممثل, بشري, وكيل, شخص حقيقي, موظفين, مندوب",
        want="اريد, ابغى, عايز, احتاج, بدي, ارغب",
        negation="لا اريد, بدون, لا احتاج",
        filler="من, فضلك, مع, الان, حقيقي",
    ),
    # Hindi
    Vocabulary(
        contact="बात, जोड़*, जोड़*, कनेक्ट, संपर्क, मिला, मिलाइए",
        person="किसी, व्यक्ति, अधिकारी, मैनेजर, कोई, ग्राहक सेवा",
        surely_person="इंसान, एजेंट, प्रतिनिधि, मानव, कर्मचारी, ऑपरेटर",
        want="चाहिए, चाहता, चाहती",
        negation="नहीं चाहिए",
        filler="से, कृपया, मुझे, एक",
    ),
)

# What a slip of the pen is read as, and the other words of these languages that are one letter away from one of them.
OFTEN_MISSPELT = """
    speak talk human person agent representative operator supervisor somebody someone customer connect transfer executive manager
    sprechen verbinden mitarbeiter menschen ansprechpartner
    conseiller quelqu'un responsable
    hablar persona asesor representante operador
    operatore parlare qualcuno persona
    atendente pessoa alguem falar
    medewerker iemand spreken
"""
NOT_MISSPELT = "personal, manage, manages, managed, responsible, transfers, persons, habla, hablas, parla, fala, falas, falta, transferi"

# Scripts without spaces between words: expressions as patterns.
UNSPACED = (
    r"人工(?!智能|智慧|知能)|真人|活人|转接?客服|轉接?客服|(?:转|轉|找|要|接|联系|聯繫|换|換|叫).{0,6}(?:客服|经理|經理|主管|领导|工作人员|專員|专员)"
    r"|(?:和|跟|与|與|同).{0,6}(?:人|客服|经理|經理|专员|專員).{0,3}(?:说|說|谈|談|聊|讲|講|沟通|溝通|对话|對話|通话|通話|交谈)"
    r"|(?:オペレータ|オペレーター|担当者?|スタッフ|係の?員|責任者|有人|人間|誰か|別の人|本物の人|生身の人|実際の人).{0,8}(?:話|繋|つな|代わ|替わ|かわ|対応|相談|お願い|連絡|チャット|出し)"
    r"|(?:人間?|方)と(?:直接)?(?:お?話|チャット|やりとり)"
    r"|(?:상담원|상담사|상담직원|사람|직원|담당자|매니저|관리자).{0,8}(?:연결|통화|대화|이야기|얘기|말하|상담|바꿔|불러)"
    r"|(?:คุย|พูด|ติดต่อ|โอนสาย|ขอสาย).{0,8}(?:คน|เจ้าหน้าที่|พนักงาน|แอดมิน|มนุษย์)"
)

ANGER = """
    this is useless, bot is useless, stupid bot, stupid chatbot, dumb bot, bot is stupid, bot is dumb, useless bot, you are stupid,
    you're stupid, you are useless, you're useless, you idiot, you idiots, ridiculous, unacceptable, this is outrageous, disgusting,
    pathetic, fed up, sick of this, sick of you, sick and tired, furious, so angry, very angry, really angry, worst service, worst
    company, terrible service, horrible service, awful service, scam, scammers, wtf, fuck, fucking, bullshit, fudge off, frustrating,
    frustrated, waste of time, waste my time, wasting my time, wasting time, not leading anywhere, going in circles, conversation is
    not working, getting all wrong, getting it all wrong, getting everything wrong, you are not helping, you're not helping, you are
    no help, not listening, this is a joke, unverschamt*, frechheit, nutzlos*, unmoglich von ihnen, verarsch*, scheiss*, zum kotzen,
    lacherlich, inutile, inutiles, inacceptable, scandaleux, c'est une honte, ras-le-bol, marre de, merde, arnaque, ridicule, inutil,
    inaceptable, verguenza, estoy harto, estoy harta, mierda, estafa, ridiculo, inaccettabile, vergogna, vergognoso, ridicolo, stufo,
    truffa, inaceitavel, vergonha, palhacada, lixo, belachelijk, waardeloos, schandalig, oplichters
"""

SENSITIVE = """
    my lawyer, my attorney, my solicitor, a lawyer, legal action, take you to court, see you in court, sue you, suing you, will sue,
    going to sue, file a lawsuit, press charges, call the police, report you to, ombudsman, data protection authority, consumer
    protection agency, discriminat*, harassed, harassment, bereavement, passed away, has died, mein anwalt, meinen anwalt,
    rechtsanwalt, rechtliche schritte, anzeige erstatten, verklage, verklagen, verstorben, mon avocat, porter plainte, action en
    justice, tribunal, decede, mi abogado, abogado, demandar, denunciar, fallecio, mio avvocato, denuncia, vie legali, deceduto, meu
    advogado, processar voces, faleceu, mijn advocaat, juridische stappen, overleden
"""

DANGER = """
    kill myself, killing myself, suicide, suicidal, end my life, want to die, hurt myself, self harm, self-harm, in danger, going to
    hurt, gas leak, electric shock, on fire, caught fire, umbringen, selbstmord, suizid, lebensgefahr, me tuer, suicider, suicidarme,
    suicidio, matarme, uccidermi, suicidarmi, me matar
"""
