"""Which clauses say something about the visitor worth keeping, and which ask to weaken the safety floor.

Knows patterns of words only: no style, no model. When unsure a clause is no fact.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from palign.schema import MemoryKind

__all__ = ["Fact", "asks_against_safety", "find_fact", "starts_as_fact"]


@dataclass(frozen=True, slots=True)
class Fact:
    """What kind of memory a clause makes; at most one memory of a slot is in force."""

    kind: MemoryKind
    slot: str | None = None


_LANGUAGES = (
    "english|french|german|spanish|portuguese|italian|dutch|polish|russian|ukrainian|czech|slovak|swedish|norwegian"
    "|danish|finnish|greek|turkish|arabic|hebrew|hindi|urdu|bengali|tamil|chinese|mandarin|cantonese|japanese|korean"
    "|vietnamese|thai|indonesian|malay|swahili|romanian|hungarian|bulgarian|croatian|serbian|catalan|basque|irish|welsh"
    "|latin|esperanto"
)
_UNITS = (
    r"(?:metric|imperial|celsius|fahrenheit|kilomet(?:er|re)s?|km|miles|kilos?|kilograms|grams|pounds|ounces|litres?"
    r"|liters?|gallons|euros?|dollars|sterling|yen|si|24 hour(?: clock| time)?|us customary)"
)
_DIETS = (
    r"(?:vegetarian|vegan|pescatarian|pescetarian|flexitarian|kosher|halal|keto|ketogenic|paleo|lacto vegetarian"
    r"|plant based|veggie|fruitarian|teetotal|low carb|gluten free|dairy free)"
)
_CONDITIONS = (
    r"(?:allergic|allergy|allergies|intolerant|intolerance|diabetic|diabetes|celiac|coeliac|pregnant|epileptic|epilepsy"
    r"|asthma|asthmatic|anaphylactic|hypertension)"
)
_LEAD = (
    r"(?:(?:hi|hello|hey|also|and|well|but|so|fyi|btw|by the way|just so you know|as you know|for the record|by the by"
    r"|please|because|since|actually|additionally|oh|besides|plus) ,? ?)*"
)
_REMEMBER = r"(?:remember|note|keep in mind|be aware|know|do not forget|bear in mind|please remember|please note)"
_SOMEWHAT = r"(?:(?:a|an|the|strictly|strict|mostly|very|severely|slightly|also|now|currently|trying to be|both) )*"
_HABITS = (
    r"(?:work|study|teach|speak|play|drive|run|collect|grow|keep|train|practise|practice|cycle|swim|volunteer|paint"
    r"|garden|sing|dance|knit|climb|surf|fish|hunt|ride|own|support|follow|breed|commute|coach|sew|bake|brew|read"
    r"|travel|wear|rent|share|care for|look after|sleep|wake|get up|go to|belong|attend|major|specialise|specialize"
    r"|lead|manage|host|foster|raise|have lived|have worked|used to|grew up|was born|have been|retired|graduated)"
)
_LIKES = (
    r"(?:like|love|enjoy|hate|dislike|do not like|do not enjoy|can not stand|adore|prefer|am into|am interested in)"
)
_PEOPLE = (
    r"(?:son|daughter|child|children|kids?|baby|toddler|wife|husband|partner|girlfriend|boyfriend|fianc[eé]e?|mother"
    r"|father|mum|mom|dad|parents|sisters?|brothers?|grandmother|grandfather|grandma|grandpa|grandchildren|boss"
    r"|manager|colleagues?|team|flatmates?|roommates?|best friend|aunt|uncle|cousins?|twins|family|dogs?"
    r"|cats?|students|pupils|customers|clients|teacher)"
)
_DOES = (
    r"(?:likes?|loves?|hates?|lives?|works?|speaks?|plays?|studies|study|prefers?|enjoys?|goes to|go to|can not eat"
    r"|does not eat|do not eat|collects?|was born)"
)
_BEING = (
    r"(?:a|an|\d+|(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen)"
    r"(?: and a half)?(?= years?| months?|$)|called|named|from|vegetarian|vegan|married|retired|deaf|blind|autistic)"
)
_STATES = (
    r"(?:retired|married|single|divorced|widowed|blind|deaf|colou?r blind|left handed|right handed|dyslexic|autistic"
    r"|disabled|bilingual|unemployed|self employed|jewish|muslim|christian|hindu|buddhist|catholic|atheist|religious"
    r"|vision impaired|hard of hearing|colou?rblind|neurodivergent|engaged|tall|an introvert|from|based|originally)"
)
_NOUN_AFTER_ARTICLE = r"(?:a|an|the) (?!bit\b|little\b|lot\b|tad\b|one\b)"
_Rule = tuple[re.Pattern[str], Fact]
_RULES: tuple[_Rule, ...] = tuple(
    (re.compile(pattern), fact)
    for pattern, fact in (
        (rf"i (?:am|have been|eat|follow|keep|stay) {_SOMEWHAT}{_DIETS}\b", Fact("constraint", "diet")),
        (rf"i (?:am on|follow|keep to|stick to|eat) {_SOMEWHAT}[\w ]{{0,20}}diet\b", Fact("constraint", "diet")),
        (
            r"(?:(?:i|we) (?:also )?(?:am|are|have|suffer|was|developed)|my (?:\w+ ){1,3}?(?:is|are|has|have|was"
            r"|suffers?))"
            rf" (?:\w+ ){{0,4}}?{_CONDITIONS}\b",
            Fact("constraint"),
        ),
        (
            r"i (?:do not|never|can not|must not|may not|should not|avoid|am not allowed to|try not to|no longer)"
            r" (?:eat|drink|have any|consume|eating|drinking|tolerate|digest) \w+",
            Fact("constraint"),
        ),
        (r"(?:my name is|i am called|call me|i go by|people call me|you can call me) \w+", Fact("topical", "name")),
        (
            r"(?:i|we) (?:now |currently |still )?(?:(?:live|am living|are living) (?:in|near|at|on|outside|around"
            r"|between|by the|abroad)|reside|am based|are based|come from"
            r"|am from|are from|moved to|just moved to|have moved to|am originally from)\b(?: \w+)+",
            Fact("topical", "location"),
        ),
        (
            r"(?:please |always |only )*(?:answer|reply|respond|write|speak|talk|be|converse)(?: to me| me| back| only"
            rf"| always)* in (?:\w+ )?(?:{_LANGUAGES})\b(?: please| only| from now on)*$",
            Fact("style", "language"),
        ),
        (
            rf"(?:please |always )*(?:use|i prefer|i want|i like) (?:british|american|us|uk|{_LANGUAGES})"
            r" (?:spelling|english|language)\b",
            Fact("style", "language"),
        ),
        (
            r"(?:please |always |only )*(?:use|i use|i prefer|i like|i think in|i want|show|give|give me|measure in"
            rf"|i am used to|stick to|keep to|never use|do not use|no)(?: \w+){{0,3}}? {_UNITS}\b(?: \w+){{0,3}}$",
            Fact("style", "units"),
        ),
        (
            r"(?:please |always )*(?:no|without|use|add|some|avoid|skip|i love|i like|i hate|i do not like|do not use"
            r"|never use|stop using|less|fewer|more|drop the|lots of)(?: \w+)?"
            r" emojis?\b(?: \w+){0,3}$",
            Fact("style", "emoji"),
        ),
        (rf"i am (?:\w+ )?{_STATES}\b", Fact("topical")),
        (r"i am (?:now |almost |nearly )?(?:\w+ ){0,2}years old\b|i am aged \d+|i am \d+$", Fact("topical")),
        (rf"(?:i am|i was|we are) {_NOUN_AFTER_ARTICLE}\w+", Fact("topical")),
        (
            r"i have (?:adhd|add|autism|dyslexia|anxiety|depression|arthritis|insomnia|migraines|adult children|cats"
            r"|dogs"
            r"|children|kids|chickens|horses|siblings|poor eyesight|bad eyesight|low vision|trouble reading)\b",
            Fact("topical"),
        ),
        (r"i am (?:learning|training|teaching|raising|studying|renovating|growing)\b \w+", Fact("topical")),
        (
            r"(?:i|we) (?:also )?have (?:got )?(?:a|an|one|two|three|four|five|six|no|my own|several|many|some|\d+"
            r"|never)"
            r" \w+",
            Fact("topical"),
        ),
        (rf"(?:i|we) (?:also |usually |mostly |mainly |only )?{_HABITS}\b \w+", Fact("topical")),
        (rf"(?:i|we) (?:also |really |usually |mostly |absolutely )*{_LIKES} \w+", Fact("topical")),
        (
            r"i (?:do not|no longer) (?:drive|smoke|drink|have|own|speak|cook|like|watch|use|work|play)\b",
            Fact("topical"),
        ),
        (rf"(?:my|our) (?:\w+ )?{_PEOPLE} (?:has|have|{_DOES}|(?:is|are) {_BEING})\b \w*", Fact("topical")),
        (
            r"(?:my|our) (?:favou?rite \w+(?: \w+)?|birthday|job|home ?town|pronouns|(?:native|first|second) language"
            r"|mother tongue|nickname|house|garden|hobby|hobbies|profession|star sign|shoe size|dream) (?:is|are) \w+",
            Fact("topical"),
        ),
        (r"my (?:\w+ )?(?:is|are) (?:called|named) \w+", Fact("topical")),
    )
)
_BARE: tuple[_Rule, ...] = (
    (re.compile(rf"(?:strictly |strict |mostly )?{_DIETS}(?: diet| food| please| only)*$"), Fact("constraint", "diet")),
    (re.compile(rf"(?:\w+ ){{0,3}}{_CONDITIONS}\b"), Fact("constraint")),
    (re.compile(r"no (?:gluten|nuts|peanuts|pork|beef|meat|dairy|fish|eggs|alcohol|soy|shellfish|lactose|sugar)\b"),
     Fact("constraint")),
    (re.compile(rf"(?:\w+ ){{0,3}}in {_UNITS}\b(?: \w+){{0,2}}$|{_UNITS}(?: units| system| please)*$"),
     Fact("style", "units")),
    (re.compile(rf"(?:in |only )?(?:british |american |us |uk )?(?:{_LANGUAGES})(?: please| only| spelling)*$"),
    Fact("style", "language")),
    (re.compile(r"(?:no |more |some )?emojis?(?: please)?$"), Fact("style", "emoji")),
)  # fmt: skip
_REMEMBERED = re.compile(rf"{_LEAD}{_REMEMBER} (?:(?:that|this|also) ,? ?|(?=(?:i|my|we) ))(?=\w+ \w+)")
_PASSING = re.compile(
    r"\b(?:today|tonight|tomorrow|yesterday|right now|at the moment|this (?:week|weekend|morning|evening|afternoon"
    r"|year)"
    r"|next (?:week|month|weekend)|broken|leaking|leaks|stuck|dying|not working|not work|crashed|hurts?|dead|late|lost"
    r"|error|itching|swollen|bleeding|running out)\b"
)
# What is told like this asks for help rather than to be remembered: a chat message that holds it is a request.
_TROUBLE = re.compile(
    r"\b(?:always|never|keep|keeps|too|but|because|how|what|why|where|help|nobody|nothing|no idea|no plan|so (?!i\b)\w+"
    r"|want|need|should|can not|will not|does not|did not|is not|are not|forget|alone|by myself|terrified|scared"
    r"|worried"
    r"|hard|tired|bored|struggl\w+|fail\w*|problem|wrong|weird|strange|bad|worse|worst|ill|asked|said|says|told|(?:mon"
    r"|tues|wednes|thurs|fri|satur|sun)day|every|after|before|when|since|still|only|any more|anymore|out of|ignores?"
    r"|going|getting|trying|fading|really|obsessed|that|which|full of|any advice|tips)\b"
    r"|^(?:i|we) (?:also |really )*(?:hate|dislike|do not like|can not stand)(?: \w+){4}"
    r"| and (?!(?:a|an|two|three|four|my|i|we|the)\b|\w+$)"
)
_NOT_KEPT = re.compile(
    r"i am (?:a|an|the) (?:\w+ )?(?:mess|wreck|idiot|fan of (?:this|that|it)|moment)\b"
    r"|(?:i|we) have (?:got )?(?:a|an|some|no|one|two|three|many|several|never|another) (?:\w+ )?"
    r"(?:questions?|problems?|meetings?|ideas?|feeling|headache|doubts?|requests?|tasks?|exams?|deadline|look|trouble"
    r"|clue|issues?|favou?r|choice|time|cold|fever|heard|been|seen|tried|read|minute|appointment|interview|test)\b"
    r"|(?:i|we) (?:also |really )*(?:like|love|enjoy|hate|dislike|prefer|do not like|can not stand)"
    r" (?:it|this|that|you|your|how|what|the (?:first|second|last|answer)|when|to know|to (?:ask|hear|see|have|get))\b"
    r"|i (?:used to|have been) (?:wondering|thinking|trying|looking|told)"
    r"|(?:i|we) (?:read|go to) (?:that|this|it)\b"
)
_FIRST_PERSON = re.compile(
    rf"{_LEAD}(?:i (?:am|have|live|was|moved|{_HABITS})\b"
    r"|my (?!answers|replies|preference|style)|we (?:are|have|live)\b)"
)
_AGAINST = re.compile(
    r"\b(?:ignore|ignoring|disregard|bypass\w*|override|overrule|disable|break|breaking|forget|drop|remove|turn off"
    r"|switch off|lift|skip|circumvent|violate|do not follow|stop following|lower|relax|loosen|weaken|suspend|no"
    r"|without"
    r"|free of|free from|beyond|outside|not|never|less|stop|evade|avoid|unlearn|delete|reduce)\b(?: \w+){0,4}?"
    r" (?:safety|safe|safeguards?|guard ?rails?|guidelines?|rules|restrictions?|filters?|polic(?:y|ies)|limits"
    r"|ethics|ethical|morals?|morality|censorship|censor|instructions|warnings?|harm|law|legal|prohibitions?|taboos?)\b"
    r"|\b(?:not|never|no|without|stop|quit|instead of|avoid|less|fewer|cannot)(?: \w+){0,2}?"
    r" (?:refus\w+|declin\w+|deny|denying|say(?:ing)? no|say you can not|turn me down|reject\w*)\b"
    r"|\b(?:safety|ethics|morals?|the law|rules|guidelines|filters?)\b.{0,20}\b(?:do not matter|does not matter|off"
    r"|do not apply|does not apply|are irrelevant|is irrelevant|disabled|unimportant)\b"
    r"|\b(?:unsafe|uncensored|unfiltered|unrestricted|jailbreak\w*|jailbroken|unethical|immoral|amoral|evil|harmful"
    r"|dangerous|illegal|hateful|racist|sexist|homophobic|offensive|toxic|abusive|violent|nsfw|pornographic|obscene"
    r"|explicit|dan mode|developer mode|god mode|do anything now|malicious|lawless|unlawful|unaligned|misaligned)\b"
    r"|\b(?:system prompt|(?:previous|prior|above|earlier|all) instructions|you are now|pretend (?:to be|you|that you)"
    r"|act as if you (?:have|had) no|obey (?:me|everything|all|any)|comply with (?:everything|all|any|whatever))\b"
)
_SELF_REPORT = re.compile(
    rf"{_LEAD}(?:i|we) (?:(?:have |also )?(?:work|worked|study|studied|teach|live|own|drive|am|have|was|write about)\b)"
    rf"|{_LEAD}my (?:\w+ ){{1,3}}(?:is|are|was|has|have|works?|hates?|loves?|likes?)\b"
)


def find_fact(clause: str, *, box: bool) -> Fact | None:
    """What a clause of plain lower-case words tells about the visitor, or None.

    With `box` short notes without a subject count, too ("vegetarian", "nut allergy").
    """
    remembered = _REMEMBERED.match(clause)
    body = clause[remembered.end() :] if remembered else re.sub(rf"^{_LEAD}", "", clause)
    if not remembered and (_PASSING.search(body) or _NOT_KEPT.match(body)):
        return None
    for pattern, fact in (*_RULES, *(_BARE if box else ())):
        if pattern.match(body):
            doubtful = (
                fact.kind == "topical" and fact.slot != "name" and not box and not remembered and _TROUBLE.search(body)
            )
            return None if doubtful else fact
    return Fact("topical") if remembered else None


def starts_as_fact(clause: str) -> bool:
    """Whether a clause begins like a report about the visitor, so that style words in it describe their life."""
    return _FIRST_PERSON.match(clause) is not None


def asks_against_safety(sentence: str) -> bool:
    """Whether a sentence of plain lower-case words asks for less of the safety floor.

    Reports ("I work in food safety") do not ask. Too much is caught rather than too little: what is caught is only
    neither learned nor remembered.
    """
    report = _SELF_REPORT.match(sentence) is not None and not re.search(r"\byour?\b", sentence)
    return not report and _AGAINST.search(sentence) is not None
