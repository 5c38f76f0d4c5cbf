"""`builtin/extract`: the right sentence is quoted, the offsets are exact, and no answer is called no answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshwright.providers.builtin.extract.sentences import MAX_SENTENCE, sentences
from meshwright.providers.builtin.frames import Document

LEAVE = """# Leave policy

Every full-time employee earns 25 days of paid vacation per calendar year. Part-time staff earn vacation in proportion
to their hours. Unused days may be carried over until 31 March of the following year; after that they expire.

## Parental leave

Parents receive 16 weeks of paid leave after the birth or adoption of a child. The leave may be split into two blocks.
Requests must reach the people team at least eight weeks in advance, using form HR-12.

## Sick leave

A doctor's note is required from the third day of absence. Sick pay equals 100% of the salary for the first six weeks.
Mrs. Dana Whitfield in the people team answers questions about this policy.
"""
LIGHTHOUSE = """The Carrick Point lighthouse was built in 1847 by the engineer Alan Stevens. It stands 38 metres tall
and its beam reaches 21 nautical miles. The tower was painted white with two red bands in 1902, when the old oil lamp
gave way to a paraffin burner. Electricity came only in 1956. The last keeper, Moira Kell, left in 1989 when the light
was automated. Today the keeper's cottage houses a museum that opens from May to September. Tickets cost 6 pounds for
adults and 3 pounds for children. A storm in January 2014 tore off part of the gallery railing, and repairs took seven
months."""
ROUTER = """# Model X200 router

To reset the device to factory settings, hold the recessed button for ten seconds until the status light blinks amber.
The default administrator address is 192.168.8.1. The default password is printed on the label under the device.

- Wi-Fi: 802.11ax, 2.4 GHz and 5 GHz
- Ports: one 2.5 Gbit/s WAN port and four 1 Gbit/s LAN ports
- Warranty: 24 months from the date of purchase

Firmware updates are installed automatically between 2 a.m. and 4 a.m. unless you turn this off under System > Updates.
"""
LIBRARY = """Oakfield Library rules

Members may borrow up to eight books at once for three weeks. A loan can be renewed twice unless another member has
reserved the book. Overdue items cost 20 cents per day. Lost cards are replaced for a fee of five euros at the front
desk. The reading room on the second floor is silent; phone calls are allowed only in the entrance hall. Children under
twelve need a guardian's signature to join. The library closes on Mondays. Interlibrary loans arrive within ten working
days and are handled by Tomasz Berg. The building was donated by the Oakfield family in 1921 and renovated in 2009.
"""
TEXTS = {"leave": LEAVE, "lighthouse": LIGHTHOUSE, "router": ROUTER, "library": LIBRARY}
ANSWERED = [
    (LEAVE, "How many vacation days do full-time employees get?", "25 days"),
    (LEAVE, "When do unused days expire?", "31 March"),
    (LEAVE, "How long is parental leave?", "16 weeks"),
    (LEAVE, "When do I need a doctor's note?", "third day"),
    (LEAVE, "Who answers questions about the policy?", "Whitfield"),
    (LIGHTHOUSE, "Who built the lighthouse?", "Alan Stevens"),
    (LIGHTHOUSE, "How tall is the lighthouse?", "38 metres"),
    (LIGHTHOUSE, "When did electricity arrive?", "1956"),
    (LIGHTHOUSE, "How much is a ticket for children?", "3 pounds"),
    (ROUTER, "How do I reset the router?", "recessed"),
    (ROUTER, "What is the default admin address?", "192.168.8.1"),
    (ROUTER, "How long is the warranty?", "24 months"),
    (LIBRARY, "How many books can I borrow?", "eight books"),
    (LIBRARY, "What does an overdue item cost per day?", "20 cents"),
    (LIBRARY, "Where may I make phone calls?", "entrance hall"),
    (LIBRARY, "On which day is the library closed?", "Mondays"),
    (LIBRARY, "Who handles interlibrary loans?", "Tomasz"),
    (LIBRARY, "When was the building renovated?", "2009"),
    (LIBRARY, "How can I replace a lost card?", "five euros"),
]
UNANSWERED = [
    (LEAVE, "What is the capital of France?"),
    (LEAVE, "Who is the chief executive?"),
    (LEAVE, "What is the dress code?"),
    (LIGHTHOUSE, "Who won the 1998 world cup?"),
    (LIGHTHOUSE, "What is photosynthesis?"),
    (ROUTER, "Who invented the telephone?"),
    (ROUTER, "What colour is the case?"),
    (LIBRARY, "What is the boiling point of water?"),
    (LIBRARY, "How do I bake bread?"),
    (LIBRARY, "What is the best laptop for students?"),
]


@pytest.fixture(scope="module")
def ranker():
    pytest.importorskip("wordllama")
    # Imported here because the package it needs may not be there.
    from meshwright.providers.builtin.extract.rank import Ranker

    return Ranker()


@pytest.mark.parametrize(("text", "question", "part"), ANSWERED)
def test_the_sentence_that_answers_is_quoted_first(ranker, text, question, part):
    quotes, searched = ranker.best(question, [Document("it", text)])
    assert part in quotes[0].text
    assert searched == len(sentences(text))


@pytest.mark.parametrize(("text", "question"), UNANSWERED)
def test_a_question_that_the_document_does_not_answer_gets_no_quote(ranker, text, question):
    assert ranker.best(question, [Document("it", text)])[0] == ()


def test_the_right_document_of_several_is_cited(ranker):
    documents = [Document(name, text) for name, text in TEXTS.items()]
    for text, question, part in ANSWERED:
        quotes, _ = ranker.best(question, documents)
        assert any(part in quote.text for quote in quotes), question
        for quote in quotes:
            assert documents[quote.document].text[quote.start : quote.end] == quote.text
        assert documents[quotes[0].document].text == text, question


def test_sentences_are_whole_where_full_stops_do_not_end_them():
    text = 'Dr. A. Lee paid $3.50 (approx. 3 p.m.) on No. 5. "Why?" she asked. See e.g. Fig. 2 for details! End'
    found = [text[each.start : each.end] for each in sentences(text)]
    assert found == [
        "Dr. A. Lee paid $3.50 (approx. 3 p.m.) on No. 5.",
        '"Why?" she asked.',
        "See e.g. Fig. 2 for details!",
        "End",
    ]


def test_list_items_table_rows_and_headings_stand_alone():
    text = "# Title\n\nIntro that goes\nover two lines.\n\n- first\n- second: x\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
    found = [(text[each.start : each.end], each.heading) for each in sentences(text)]
    assert found == [
        ("Intro that goes\nover two lines.", "Title"),
        ("first", "Title"),
        ("second: x", "Title"),
        ("| a | b |", "Title"),
        ("| 1 | 2 |", "Title"),
    ]


PIECES = (
    "Dr. Lee", "it is so.", "Why?", "No. 5", "e.g. this", "3.14", "\n", "\n\n", "- item", "# Head", "|", "。", " ",
    "x" * 300, "U.S.", "“Yes.”",
)  # fmt: skip
PROSE = st.lists(st.sampled_from(PIECES) | st.text(max_size=12), max_size=30).map(" ".join)


@given(PROSE)
def test_every_sentence_is_an_exact_slice_in_order_and_without_outer_spaces(text):
    end = 0
    for number, each in enumerate(sentences(text), 1):
        quoted = text[each.start : each.end]
        assert each.number == number
        assert end <= each.start < each.end <= len(text)
        assert quoted == quoted.strip()
        assert len(quoted) <= MAX_SENTENCE
        end = each.end


@given(PROSE, st.integers(0, 50), st.integers(0, 200))
def test_only_the_spans_that_count_are_cut(text, start, length):
    end = min(start + length, len(text))
    start = min(start, end)
    for each in sentences(text, ((start, end),)):
        assert start <= each.start < each.end <= end


@given(PROSE, st.sampled_from(["What is it?", "Who is Lee?", "x", "When?"]))
def test_every_quote_is_the_slice_that_it_cites(ranker_once, text, question):
    document = Document("it", text)
    try:
        quotes, _ = ranker_once.best(question, [document])
    except ranker_once.declined:
        return
    for quote in quotes:
        assert text[quote.start : quote.end] == quote.text


@pytest.fixture(scope="module")
def ranker_once(ranker):
    from meshwright.types.errors import Declined  # the property above must tell it apart from its own failures

    ranker.declined = Declined
    return ranker
