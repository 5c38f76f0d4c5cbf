"""Words that hint at a task, in English, German, French and Spanish: what a few hundred examples cannot all contain."""

from __future__ import annotations

_THEMES = {
    "program": """python java javascript typescript rust golang haskell kotlin swift ruby php perl scala
        clojure elixir lua matlab fortran cobol assembly bash shell powershell zsh sql mysql postgres postgresql
        sqlite mongodb redis html css sass xml yaml json csv react vue angular svelte nextjs node nodejs npm
        yarn webpack vite django flask fastapi rails laravel spring express numpy pandas pytorch tensorflow
        matplotlib sklearn pytest junit docker dockerfile kubernetes k8s kubectl helm terraform ansible nginx
        apache linux ubuntu git github gitlab commit rebase branch repo pipeline ci api endpoint rest graphql
        grpc websocket http regex regexp code coding function method class struct enum interface loop array list
        tuple dict dictionary hashmap string integer boolean pointer variable constructor decorator iterator
        generator async await thread mutex goroutine closure callback promise lambda recursion recursive
        algorithm compile compiler runtime exception traceback stacktrace nullpointerexception typeerror
        valueerror keyerror indexerror syntaxerror segfault undefined nan null bug debug debugger refactor
        unittest unit tests linter lint script program makefile cmake cargo pip conda venv import module package
        library framework query join schema table index migration orm backend frontend component usestate
        useeffect hook props dom selenium playwright vba excel formula macro cron ssh vim emacs vscode leetcode
        fibonacci palindrome quicksort programm funktion skript quelltext schleife fehlermeldung datenbank
        abfrage kompiliert programme fonction boucle tableau requête erreur función programa bucle arreglo
        consulta compila código""",
    "tongue": """english german french spanish italian portuguese dutch polish russian ukrainian chinese
        mandarin cantonese japanese korean arabic hebrew turkish greek swedish norwegian danish finnish
        hungarian czech slovak romanian bulgarian croatian serbian hindi urdu bengali tamil thai vietnamese
        indonesian malay swahili latin persian farsi catalan basque welsh irish icelandic brazilian deutsch
        englisch französisch spanisch italienisch portugiesisch niederländisch polnisch russisch chinesisch
        japanisch türkisch englische deutsche französische spanische anglais allemand français espagnol italien
        portugais néerlandais polonais russe chinois japonais anglaise arabe inglés alemán francés español
        italiano portugués holandés polaco ruso chino japonés inglese tedesco francese spagnolo englischen
        deutschen inglês alemão francês""",
    "translate": """translate translation translated translating translator translations localize localise
        render übersetze übersetzen übersetzung übersetz übersetzt heißt traduis traduire traduction traduisez
        traduce traducir traducción traduzca traduci traduzione traduza vertaal överst pásalo pasalo tłumacz
        przetłumacz""",
    "summarize": """summarize summarise summary summaries summarizing tldr tl dr condense shorten shorter digest
        abstract synopsis recap gist takeaway takeaways overview headline brief briefly nutshell essentials
        essence boil bullet bullets outline concise zusammenfassung zusammenfassen zusammen fasse fass kürze
        kurzfassung stichpunkte stichpunkten kernaussagen résume résumé résumer résumez synthèse resume resumen
        resumir resúmelo síntesis riassumi riassunto resuma points""",
    "rewrite": """rewrite rewrites reword rephrase paraphrase proofread proofreading edit polish improve
        correct grammar spelling typos typo punctuation tone formal informal polite politer professional
        friendlier wording reformulate simplify soften voice tense clearer fluent style passive umformulieren
        formuliere formulieren umschreiben korrigiere korrigieren rechtschreibung grammatik höflicher
        freundlicher förmlicher verbessere reformule reformuler reformulez réécris réécrire corrige corriger
        corrigez fautes orthographe améliore reescribe reescribir corregir gramática ortografía mejora
        parafrasea redacción correggi riscrivi""",
    "genre": """poem poems story stories haiku limerick sonnet song lyrics rap joke essay email mail letter
        blog post article speech toast slogan slogans tagline taglines script monologue dialogue newsletter
        advertisement ad caption bio description review proposal invitation plan itinerary agenda menu names
        ideas titles title plot character novel scene chapter eulogy obituary press release pitch resume cover
        tweet instagram linkedin recipe lesson brainstorm gedicht geschichte brief bewerbung einladung rede
        märchen ideen werbetext poème histoire lettre courriel discours chanson conte idées poema cuento carta
        correo historia discurso canción invitación lettera""",
    "make": """write writes draft compose create generate invent brainstorm suggest design develop produce
        craft imagine come schreibe schreib verfasse erstelle entwirf erfinde écris rédige rédiger crée invente
        propose écrire escribe redacta crea inventa scrivi escriba elabora""",
    "label": """classify classification classifier categorize categorise category categories label labels
        sentiment spam ham toxic positive negative neutral intent entailment contradiction hypothesis premise
        urgent urgency priority tag rate rating score stars moderation safe unsafe yes no true false option
        options department detect emotion topic klassifiziere kategorie kategorien einordnen ordne stimmung
        positiv negativ dringend classe catégorie catégories positif négatif clasifica categoría categorías
        sentimiento positivo negativo urgente etiqueta clickbait sarcastic""",
    "source": """text passage paragraph article document documents contract report attached attachment
        attachments file pdf letter transcript context below above following according mentioned mentions
        excerpt section clause invoice receipt table notes minutes manual page email policy agreement dokument
        anhang laut beigefügten vertrag artikel abschnitt folgenden folgende texte selon contrat rapport ci
        joint suivant pièce documento texto según contrato informe adjunto siguiente artículo párrafo""",
    "pick": """extract list find pull quote cite mention mentioned names dates json fields identify locate
        parse retrieve who when nenne extrahiere finde extrais relève liste trouve extrae encuentra enumera
        entities addresses numbers""",
    "prove": """prove proof proves show demonstrate disprove theorem lemma induction converges irrational
        divisible beweise beweis zeige démontrer démontre montrer montrez demuestra demostrar prueba justify""",
    "figure": """triangle circle rectangle square polygon angle radius diameter perimeter area volume cone
        cylinder sphere probability random dice die coin marbles cards deck permutations combinations ratio
        average mean median percent percentage remainder divisor divisors integer integers digits prime
        polynomial vertices parabola ellipse matrix vector eigenvalue abelian continuous differentiable sequence
        modulo arithmetic geometric equation wahrscheinlichkeit dreieck kreis rechteck fläche probabilité cercle
        aire périmètre probabilidad triángulo área""",
    "sum": """each total altogether per every sold sells buys bought cost costs price earns earned pays
        paid spend spent save saves apples oranges pencils cookies miles hours minutes hour speed mph km tank
        fill fills twice thrice half third times many much remaining remain left older younger age ages euros
        dollars cents kostet verdient kauft jede zusammen coûte achète gagne chaque cuesta compra gana cada
        insgesamt doppelt dreimal""",
    "puzzle": """puzzle riddle logic logical deduce conclude conclusion conclusions follows follow argument
        valid premises therefore liar liars knight knights knave knaves lies truth houses clue clues sits sit
        opposite row seat seats weigh balance jug bridge boat pros cons tradeoffs trade compare weighing decide
        decision strategy reasoning fallacy hypothesis stronger verdict sequence comes next pattern guilty
        suspect rätsel schlussfolgerung lügt lügner wahrheit wäge abwägen énigme devinette menteur vérité
        logique pèse conclus acertijo adivinanza lógica mentiroso verdad""",
    "ask": """what who whom whose which where when why how was wer wen wem wo wann warum wieso weshalb wie
        welche welcher welches qui que quoi quel quelle quels quelles où quand pourquoi comment qué quién cuál
        cuáles dónde cuándo cómo cuánto cuántos chi cosa dove quando perché come""",
    "topic": """capital river mountain country city king queen president war century empire planet star
        species animal plant disease symptoms treatment vitamin protein cell dna atom element energy gravity
        ocean climate economy inflation constitution religion philosophy history invented discovered invention
        born died painter composer author novel movie film song singer band album actor season episode team
        championship olympics hauptstadt fluss berg land könig krieg jahrhundert capitale fleuve pays guerre
        siècle roi río país guerra siglo rey""",
    "greet": """hi hello hey hiya yo thanks thank thx bye goodbye morning evening night lol haha hehe sorry
        welcome congrats hallo servus moin danke tschüss grüß bonjour salut merci bonsoir hola gracias adiós
        buenos buenas ciao grazie olá obrigado bored lonely tired happy sad ok okay cool nice wow""",
    "you": "you your yours yourself du dich dir dein deine tu toi ton ta vous tú ti usted tuyo",
    "me": "i me my mine myself i'm ich mich mir mein meine je moi mon ma mes yo mi mis we us our wir uns nous nosotros",
}
THEMES: dict[str, tuple[str, ...]] = {}
"""Each word with its themes."""
for _theme, _words in _THEMES.items():
    for _word in dict.fromkeys(_words.split()):
        THEMES[_word] = (*THEMES.get(_word, ()), _theme)
