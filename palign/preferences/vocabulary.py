"""The words visitors use for style, as tables: which dimension and pole each means. Knows no sentences.

`adjectives` qualify the word after them ("short stories" are not short answers); `nouns` and `phrases` stand alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

from palign.preferences.words import phrases

__all__ = ["StyleWord", "style_words"]

Form = Literal["adjective", "noun", "phrase"]


@dataclass(frozen=True, slots=True)
class StyleWord:
    """What a phrase says: the sign on each dimension it speaks of, and how it stands in a sentence."""

    signs: tuple[tuple[str, int], ...]
    form: Form


@dataclass(frozen=True, slots=True)
class _Row:
    dimension: str
    sign: int
    adjectives: str = ""
    nouns: str = ""
    phrases: str = ""


_CONCISE = _Row(
    "concise", 1,
    "short|shorter|shortish|brief|briefer|concise|terse|succinct|compact|snappy|snappier|crisp|quick|quicker|pithy"
    "|condensed|tight|tighter|minimal|minimalist|laconic|bite sized|punchy|economical|tiny|abbreviated",
    "one liner|one liners|brevity|conciseness|summary|summaries|bare minimum|essentials",
    "tldr|talk too much|write too much|say too much|too many words|too much text|to the point|straight to the point"
    "|get to the point|cut to the chase|just the answer|only the answer"
    "|few words|fewer words|less words|less text|less talk|talk less|say less|write less|briefly|concisely|succinctly"
    "|quickly|shorten|shortly|in a nutshell|short sentences|shorter sentences|short paragraphs|keep it tight"
    "|in a few words|one sentence|a sentence|a single sentence|one word|one line|one paragraph"
    "|nice and short|short and sweet|short version|the short version|less is more|save my time|do not explain|just"
    " answer|no explaining"
    "|one sentence answers|one word answers|one line answers|quick answers|no essays|bare bones|only the essentials",
)  # fmt: skip
_DETAILED = _Row(
    "concise", -1,
    "long|longer|detailed|thorough|comprehensive|elaborate|extensive|in depth|exhaustive|lengthy|verbose|wordy|wordier"
    "|deep|deeper|full|fuller|complete|long winded|expansive|meticulous",
    "detail|details|depth|background|background information|explanation|explanations|reasons|reasoning"
    "|fluff|bs|bullshit|filler|fillers|rambling|padding|waffle|waffling|essay|essays|novel|novels|wall of text|walls"
    " of text"
    "|chatter|chit chat|chitchat|preamble|preambles|introduction|introductions|intro|intros|repetition|deep dive"
    "|deep dives|verbosity|lengthiness|blah|blah blah|digressions|tangents|long text|long texts|long paragraphs"
    "|elaboration|thoroughness|small print|nuts and bolts|monologues|lectures",
    "in detail|in depth|ramble|go deeper|go deep|say more|tell me more|explain more|write more|take your time|elaborate"
    "|expand|explain everything|the full story|full story|the whole story|talk much|talk so much"
    "|so many words|many words|long sentences|beat around the bush"
    "|beating around the bush|at length|thoroughly|exhaustively|extensively|explain why|explain your reasoning"
    "|tell me why|long form|on and on|go on and on|everything there is to know|as much as possible|lots of text"
    "|much text|more words|more text|wordiness|repeat yourself|repeating yourself|waste my time|go into detail",
)  # fmt: skip
_PLAIN = _Row(
    "plain", 1,
    "plain|plainer|simple|simpler|easy|easier|everyday|non technical|nontechnical|understandable|accessible|basic"
    "|layman|laymans|easy to understand|easy to read|easy to follow|beginner friendly|jargon free|clear|clearer",
    "plain english|plain language|simplicity",
    "eli5|eli 5|eli10|like i am five|like i am 5|like i am a child|like i am 12|like i am twelve|like i am six|like i"
    " am seven|like i am eight|like i am a kid|like i am ten|like i am 10"
    "|like i am a beginner|like i am stupid|like to a child|to a child|to a five year old|like a five year old"
    "|layman terms|laymans terms|plain words|simple words|simple language|simple english|simple terms|everyday words"
    "|plain terms|everyday language|everyday terms|easy words|easy language|normal words|ordinary words|common words"
    "|dumb it down|dumb things down|dumb down|dumbing down|simplify|simply|plainly|clearly|for dummies|for a layman"
    "|for a layperson|for a beginner|for beginners|layperson|keep it simple|short words|simple sentences"
    "|so anyone can understand|so anyone understands|so a child can understand|i am not technical|not a techie"
    "|i am not a technical person|i am no expert|i am not an expert|i am a beginner|i am new to this|in english please",
)  # fmt: skip
_TECHNICAL = _Row(
    "plain", -1,
    "technical|scientific|expert level|advanced|complicated|complex|fancy|academic|nerdy|geeky|rigorous|precise"
    "|specialist|sophisticated|high level|in the weeds|mathematical|jargon heavy|exact",
    "jargon|technical terms|technical language|technical words|technical term|terminology|buzzword|buzzwords|acronym"
    "|acronyms|abbreviations|big words|fancy words|long words|difficult words|complicated words|hard words"
    "|foreign words|complex words|technical detail|technical details|technicalities|scientific terms|scientific words"
    "|formulas|formulae|equations|exact figures|precise figures|figures|technobabble|tech speak|latin"
    "|technical jargon|legalese|corporate speak|management speak|gobbledygook|specialist terms|expert terms"
    "|numbers and figures|exact numbers|hard numbers|correct terms|proper terms|latin names"
    "|scientific language|academic language|precision|technical depth|technical vocabulary",
    "like an expert|as an expert|like a scientist|to an expert|like a specialist|technically|i am an expert"
    "|like a professional in the field|as if i were an expert|precise figures",
)  # fmt: skip
_FORMAL = _Row(
    "formal", 1,
    "formal|professional|proper|polite|businesslike|business like|official|respectful|refined|stiff|courteous"
    "|dignified|ceremonious|stilted|posh|elegant|buttoned up|polished|stuffy|uptight",
    "formality|formalities|formal language|professionalism|politeness|good manners|business tone|etiquette",
    "formally|professionally|politely|properly|like a butler|call me sir|like a professional|like a lawyer",
)  # fmt: skip
_CASUAL = _Row(
    "formal", -1,
    "casual|informal|relaxed|laid back|chatty|chattier|conversational|loose|looser|down to earth|chill|easy going"
    "|easygoing|colloquial|folksy|matey|loosened up|slangy",
    "slang|contractions|text speak|informality|swearing|swear words|street talk|youth slang",
    "casually|informally|like a friend|like friends|as a friend|like a buddy|like a mate|like we are friends"
    "|like an old friend|like my friend|like a pal|like a normal person|like a real person|loosen up|lighten the tone"
    "|like we are mates|like you would to a friend|chill out|conversationally|as if we were friends|like over coffee",
)  # fmt: skip
_WARM = _Row(
    "warm", 1,
    "warm|warmer|kind|kinder|nice|nicer|friendly|friendlier|encouraging|supportive|gentle|gentler|empathetic|empathic"
    "|caring|positive|sympathetic|compassionate|understanding|motivating|uplifting|sweet|cheerful|reassuring|loving"
    "|considerate|tender|soft|softer|emotional|sentimental|gushing|sappy|patient|heartfelt|comforting"
    "|flowery|affectionate|enthusiastic|bubbly|soothing|good natured",
    "encouragement|empathy|praise|compliment|compliments|kind words|kind word|pep talk|pep talks|flattery|sympathy"
    "|warmth|kindness|pleasantries|hand holding|handholding|cheerleading|reassurance|enthusiasm|friendliness"
    "|niceties|feelings|emotion|emotions|pampering|gushing|exclamation marks|pat on the back",
    "encourage me|encourage|cheer me up|cheer me on|cheer|motivate me|comfort me|praise me|praise|flatter me|flatter"
    "|compliment me|reassure me|sugarcoat|sugar coat|sugarcoating|sugar coating|coddle me|coddle|be there for me"
    "|gently|kindly phrased|warmly|go easy on me|support me|hold my hand|like a good friend|like a caring friend"
    "|flattering|like a coach|be my cheerleader|mollycoddle me|encouragingly",
)  # fmt: skip
_MATTER_OF_FACT = _Row(
    "warm", -1,
    "matter of fact|cold|colder|dry|drier|neutral|objective|factual|blunt|blunter|impersonal|detached|clinical"
    "|robotic|unemotional|dispassionate|harsh|brutal|brutally honest|unsentimental|tough|strict|businesslike",
    "tough love|bare facts|hard facts|bluntness|facts only|brutal honesty|pure facts|plain facts",
    "bluntly|matter of factly|only facts|nothing but facts|nothing but the facts|stick to the facts|stick to facts"
    "|just facts|facts and nothing else|like a machine|like a robot|objectively|factually|drop the niceness",
)  # fmt: skip
_PLAYFUL = _Row(
    "playful", 1,
    "playful|funny|funnier|humorous|witty|wittier|silly|sillier|fun|amusing|entertaining|lighthearted|light hearted"
    "|quirky|whimsical|cheeky|goofy|sarcastic|comical|hilarious|tongue in cheek|ironic|jokey|clownish|zany|flippant"
    "|facetious|jovial|merry|mischievous|lively|livelier",
    "joke|jokes|humor|humour|pun|puns|wit|wittiness|banter|sarcasm|irony|dad joke|dad jokes|wordplay|word play|fun"
    "|jests|wisecracks|silliness|playfulness|funny images|laughs|gags|a laugh|levity|clowning|memes"
    "|one liner jokes"
    "|sense of humour|sense of humor|funny comparisons|tomfoolery|foolishness",
    "make me laugh|i want to laugh|keep it light|keep things light|make me smile|joke|joking|joke around|joking"
    " around|kid around|kidding|tease me|tease|teasing"
    "|crack jokes|crack a joke|cracking jokes|tell jokes|telling jokes|fool around|fooling around|be a clown|clown"
    "|lighten up|playfully|being silly|being funny|being playful|like a comedian|like a pirate"
    "|spice it up|trying to be funny|try to be funny|goof around|messing around|mess around",
)  # fmt: skip
_SERIOUS = _Row(
    "playful", -1,
    "serious|sober|earnest|solemn|humourless|humorless|dead serious|no nonsense|deadpan",
    "seriousness|a straight face",
    "seriously|no nonsense|without nonsense|no funny business|cut the comedy|no laughing|quit clowning",
)  # fmt: skip
_LISTS = _Row(
    "lists", 1,
    "bulleted|structured|skimmable|scannable|itemised|itemized|numbered|point form",
    "list|lists|bullet|bullets|bullet point|bullet points|bulletpoint|bulletpoints|bullet list|bullet lists"
    "|bulleted list|bulleted lists|numbered list|numbered lists|numbered steps|numbered points|checklist"
    "|checklists|enumeration|enumerations|dot points|key points|list format|list form|tables"
    "|headings|headers|headlines|markdown|formatting|listicles|short points|points|structure|outline|outlines"
    "|ordered list|ordered lists|dashes",
    "list things|list them|list it|listing things|listing|in points|as a list|as lists|in list form"
    "|in bullet points|as bullet points|as bullets|itemise|itemize|point by point|number your points"
    "|number the steps|bullet your answers|bulleted form",
)  # fmt: skip
_PROSE = _Row(
    "lists", -1,
    "flowing|continuous|unformatted|prose like",
    "prose|paragraph|paragraphs|running text|flowing text|flowing prose|continuous text|full sentences"
    "|complete sentences|whole sentences|proper sentences|proper paragraphs|plain text|narrative|connected text"
    "|fluent text|flowing sentences|full paragraphs|normal text|continuous prose",
    "essay style|in essay form|in essay style|like an essay|as an essay|in one flow|as a story|as plain text"
    "|in prose|as prose|as running text",
)  # fmt: skip
_EXAMPLES = _Row(
    "examples", 1,
    "concrete|practical|hands on|illustrated|tangible|example based|real world",
    "example|examples|illustration|illustrations|anecdote|anecdotes|analogy|analogies|metaphor|metaphors|comparisons"
    "|concrete example|concrete examples|real life examples|real life example|real world examples|real examples"
    "|practical examples|everyday examples|case study|case studies|samples|sample|demonstrations|demonstration"
    "|scenarios|scenario|use cases|instances|worked examples|worked example|real cases|concrete cases"
    "|illustrative stories",
    "for instance|illustrate|illustrating|show me how|show not tell|with concrete cases|exemplify|by example"
    "|demonstrate|make it concrete|concretely",
)  # fmt: skip
_PRINCIPLES = _Row(
    "examples", -1,
    "theoretical|abstract|conceptual|more abstract|philosophical",
    "principle|principles|theory|theories|general idea|general ideas|concepts|fundamentals|first principles"
    "|general rules|underlying reason|underlying reasons|underlying principle|underlying principles|abstraction"
    "|abstractions|the reason behind|reasons behind|reason behind|the why|general principle|general principles",
    "in the abstract|from first principles|reason from first principles|abstractly|in general terms",
)  # fmt: skip
_CAUTIOUS = _Row(
    "cautious", 1,
    "cautious|careful|hedged|nuanced|balanced|tentative|prudent|modest|humble|humbler|wishy washy|vague|evasive"
    "|noncommittal"
    "|guarded|conservative|circumspect|timid|uncertain|non committal",
    "caveat|caveats|disclaimer|disclaimers|exception|exceptions|uncertainty|uncertainties|nuance|nuances|hedging"
    "|qualifiers|qualifications|ifs and buts|maybes|both sides|pros and cons|limitations|doubts|edge cases"
    "|counterarguments|vagueness|caution|risks|weasel words|fine print|hedges|wiggle room|ambiguity",
    "hedge|hedging|qualify|name exceptions|name the exceptions"
    "|say when you are not sure|tell me when you are not sure|tell me if you are not sure"
    "|say if you are not sure|say so when you are not sure|say when you are unsure|tell me when you are unsure"
    "|tell me if you are unsure|admit uncertainty|admit when you do not know|say when you do not know|warn me"
    "|say you do not know|tell me when you do not know|it depends|on the other hand|cautiously|carefully"
    "|say it depends|saying it depends|perhaps and maybe|sit on the fence|say so if you are not sure"
    "|if you are unsure say so"
    "|if you are not sure say so|double check|when in doubt say so",
)  # fmt: skip
_CONFIDENT = _Row(
    "cautious", -1,
    "confident|decisive|bold|bolder|definite|assertive|straightforward|firm|certain|definitive|opinionated"
    "|straight|unhedged|categorical|clear cut|self assured|unequivocal|forthright",
    "straight answer|straight answers|clear answer|clear answers|definite answers|clear recommendation"
    "|clear recommendations|a recommendation|confidence|certainty|firm answers|one recommendation|strong"
    " opinions",
    "take a stand|take a side|pick one|pick a side|just say yes or no|yes or no|commit to an answer|commit"
    "|confidently|decisively|boldly|straight up|say it straight|tell it straight|tell me straight"
    "|give it to me straight"
    "|make up your mind|just decide|tell me what to do|just tell me what to do|have an opinion|without ifs and buts",
)  # fmt: skip
_EXPLORATORY = _Row(
    "exploratory", 1,
    "exploratory|socratic|inquisitive|curious|conversational|interactive",
    "questions back|counter questions|counterquestions|follow up questions|followup questions|clarifying questions"
    "|a question back|dialogue|back and forth|open questions",
    "explore it with me|explore the matter|explore with me|think it through with me|think it through together"
    "|think out loud|think aloud|ask me something back|ask me questions|asking me questions|ask questions|ask back"
    "|ask me back|ask anything back|ask me things|asking me things|ask me first|ask first|ask before you answer"
    "|ask before you assume|ask what i need|ask what i want|ask about my situation|check my situation|being asked"
    "|being asked questions|find out what i want first|want questions|like questions"
    "|question me|turn it over with me|brainstorm with me",
)  # fmt: skip
_DIRECT = _Row(
    "exploratory", -1,
    "direct|more direct",
    "directness|direct answers|a direct answer",
    "directly|straight to the answer|answer right away|answer at once|just answer the question",
)  # fmt: skip
_STEPS = _Row(
    "steps", 1,
    "step by step|stepwise|procedural",
    "steps|clear instructions|step by step instructions|step by step guide|step by step guides"
    "|how tos|walkthrough|walkthroughs|walk throughs|single steps|every step|every single step"
    "|concrete actions",
    "step by step|in steps|one step at a time|walk me through|guide me|guide me through|action by action"
    "|tell me exactly what to do|what to do first|show me the steps|answers like a manual|answers like a recipe",
)  # fmt: skip
_OVERVIEW = _Row(
    "steps", -1,
    "high level|top level",
    "overview|overviews|an overview|the overview|big picture|the big picture|bird s eye view|broad strokes"
    "|overall picture|general overview|outline of the whole",
    "overview first|the whole first|bird s eye view|what matters overall|in broad strokes|in broad terms"
    "|on the whole|as a whole",
)  # fmt: skip
_ROWS = (
    _CONCISE, _DETAILED, _PLAIN, _TECHNICAL, _FORMAL, _CASUAL, _WARM, _MATTER_OF_FACT,
    _PLAYFUL, _SERIOUS, _LISTS, _PROSE, _EXAMPLES, _PRINCIPLES, _CAUTIOUS, _CONFIDENT,
    _EXPLORATORY, _DIRECT, _STEPS, _OVERVIEW,
)  # fmt: skip
_BOTH = {
    "just the facts": (("concise", 1), ("warm", -1)),
    "just give me the facts": (("concise", 1), ("warm", -1)),
    "only the facts": (("concise", 1), ("warm", -1)),
    "just facts": (("concise", 1), ("warm", -1)),
}


@cache
def style_words() -> dict[tuple[str, ...], StyleWord]:
    """Every phrase of the tables by its words, built once."""
    table: dict[tuple[str, ...], StyleWord] = {}
    for row in _ROWS:
        _enter(table, row, row.adjectives, "adjective")
        _enter(table, row, row.nouns, "noun")
        _enter(table, row, row.phrases, "phrase")
    for text, signs in _BOTH.items():
        table[tuple(text.split())] = StyleWord(signs, "phrase")
    return table


def _enter(table: dict[tuple[str, ...], StyleWord], row: _Row, cell: str, form: Form) -> None:
    for phrase in phrases(cell):
        table[phrase] = StyleWord(((row.dimension, row.sign),), form)
