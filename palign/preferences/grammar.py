"""The small words that turn style words around or say how much, as tables. Knows no dimension."""

from __future__ import annotations

from types import MappingProxyType

from palign.preferences.words import phrases

__all__ = [
    "COMPLIMENTS", "DEGREES", "DURABLE", "EXCESS", "FILLERS", "IMPERATIVES", "INVITATIONS", "LATE_DEGREES",
    "LATE_NEGATORS", "NEGATORS", "OPENERS", "PLAIN_STRENGTH", "POLITE", "SELF_VERBS", "SHRUGS", "SINGLE_THINGS",
    "SLIGHT", "STRONG", "THIRD_PERSONS", "WEAKENED",
]  # fmt: skip

PLAIN_STRENGTH = 0.7
STRONG = 1.0
SLIGHT = 0.4
WEAKENED = 0.5

# Negators that govern one thing ("no jargon and short sentences" keeps the sentences) and those that govern all that
# follows ("I hate lists and jokes"). The number is the strength they give, where it is not the plain one.
_OF_A_WORD = (
    "no|without|without any|less|fewer|few|zero|skip|skip the|drop|drop the|cut|cut the|cut out|cut out the|spare me"
    "|spare me the|leave out|leave out the|lose the|minus|instead of|rather than|none of|enough with|enough with the"
    "|enough of|ditch|ditch the|omit|no more|remove|remove the|get rid of|lay off|go easy on|cut down on|cut back on"
    "|reduce|no need for|hold the|keep out|low on|free of|light on|and not|but not"
)
_OF_ALL = (
    "do not|not|avoid|stop|stop with|dislike|do not like|do not want|do not need|no need to|not a fan of|not into"
    "|refrain from|quit|tired of|sick of|fed up with|does not|should not|must not|can do without|could do without"
    "|not keen on|nor|neither|rather not|would rather not|can live without|not interested in|bored by|bored of"
    "|annoyed by|do not care for|do not enjoy|am against|no longer|do not use|do not give me|do not be|resist|will not"
)
_OF_ALL_STRONGLY = (
    "never|hate|can not stand|detest|loathe|despise|under no circumstances|can not bear|absolutely no|never ever"
    "|strictly no|not ever|do not ever|can not abide|do not you dare|abhor"
)
NEGATORS = MappingProxyType(
    dict.fromkeys(phrases(_OF_A_WORD), ("word", PLAIN_STRENGTH))
    | dict.fromkeys(phrases(_OF_ALL), ("all", PLAIN_STRENGTH))
    | dict.fromkeys(phrases(_OF_ALL_STRONGLY), ("all", STRONG))
    | dict.fromkeys(phrases("absolutely no|strictly no"), ("word", STRONG))
)
LATE_NEGATORS = phrases(
    "are not ok|is not ok|are not okay|is not okay|are not fine|is not fine|are not welcome|is not welcome"
    "|are not needed|is not needed|are not necessary|is not necessary|are not appreciated|is not appreciated"
    "|are unnecessary|is unnecessary|annoy me|annoys me|are annoying|is annoying|bore me|bores me|are boring"
    "|is boring|are unwelcome|is unwelcome|put me off|puts me off|are a no go|is a no go|are out|irritate me"
    "|irritates me|drive me mad|drives me mad|are too much|is too much|confuse me|confuses me|are hard for me"
)
# Which may stand before "X" in "too X", "overly X": it is what the visitor has too much of.
EXCESS = phrases("too|overly|too much|too many|way too|far too|a bit too|a little too|excessively|way too much")
_STRONG_WORDS = (
    "very|really|super|extremely|totally|completely|absolutely|much|way|incredibly|ultra|highly|truly|so|always"
    "|strictly"
    "|as|utterly|properly|maximally|especially|a lot|lots of|plenty of|tons of|a lot of|loads of|many|entirely"
    "|radically"
    "|far|even"
)
_SLIGHT_WORDS = (
    "a bit|a little|a little bit|slightly|somewhat|kind of|sort of|a tad|fairly|a touch|a touch of|a bit of"
    "|a little bit of|an occasional|occasional|the occasional|the odd|a pinch of|a dash of|a hint of|mildly|a few"
    "|moderately|reasonably|a shade|quite"
)
DEGREES = MappingProxyType(
    dict.fromkeys(phrases(_STRONG_WORDS), STRONG)
    | dict.fromkeys(phrases(_SLIGHT_WORDS), SLIGHT)
    | dict.fromkeys(phrases("as little|that|all that|terribly|particularly|overly|excessively"), PLAIN_STRENGTH)
)
LATE_DEGREES = MappingProxyType(
    dict.fromkeys(phrases("as possible|as you can|at all|at all times|every time|all the time|in every answer"), STRONG)
    | dict.fromkeys(phrases("always|whatever happens|without exception|in all answers|a lot|very much"), STRONG)
    | dict.fromkeys(phrases("a bit|a little|a little bit|sometimes|occasionally|if possible|if you can"), SLIGHT)
    | dict.fromkeys(phrases("now and then|from time to time|once in a while|here and there|when it fits"), SLIGHT)
)
# After these the visitor has no wish either way.
SHRUGS = phrases(
    "do not mind|do not care|do not care about|no preference|either way|do not know|not sure|no opinion|whether|used to"
)
# Denials that ask for the thing: nothing in them negates.
INVITATIONS = phrases(
    "do not hesitate to|do not be afraid to|do not be shy to|do not be afraid of|do not be shy with|nothing wrong with"
    "|do not forget to|do not forget the|do not forget|never forget to|can not get enough of|do not hold back on"
)
# Words that mark a lasting wish rather than one request.
DURABLE = phrases(
    "always|never|from now on|in general|generally|every time|in future|in the future|at all times|every answer"
    "|all answers|by default|usually|now and then|from time to time|once in a while|whenever|i prefer|i always"
    "|i hate|your answers|your replies|your responses|sometimes|occasionally|my answers"
)
COMPLIMENTS = frozenset(
    "nice funny sweet fun hilarious brilliant perfect interesting positive certain fine kind clear seriously proper"
    " good cool great lovely amusing entertaining understanding understandable neat blah".split()
)
SINGLE_THINGS = frozenset(
    "joke pun laugh smile example metaphor analogy anecdote summary checklist list table recommendation word talk story"
    " compliment scenario sample outline theory principle instance".split()
)
IMPERATIVES = frozenset(
    "be use keep get give make do write avoid skip drop add stop answer talk speak explain include put tell try go stay"
    " let show mention say start reply respond have cut leave help i please then".split()
)
SELF_VERBS = frozenset(
    "be sound become write seem speak talk joke learn stop feel look appear act improve practise practice hedge tell"
    " live make cook".split()
)
THIRD_PERSONS = frozenset(
    "he she they him her them his their people everyone everybody someone somebody nobody others kids children men"
    " women we our it's".split()
)
POLITE = phrases(
    "can you|could you|would you|will you|can you please|could you please|would you please|will you please"
    "|can we|could we|can i have|could i have|can i get|could i get|may i have|would you mind|please can you"
    "|please could you|can you just|could you just|can you maybe|could you maybe|could you possibly|can you try to"
    "|could you try to|could you perhaps|might you|can you kindly|would it be possible to"
)
OPENERS = frozenset(
    "what why how who whom whose where which is are am was were do does did has have can could would will shall should"
    " may might must ".split()
)
FILLERS = frozenset(
    "emoji emojis except unless besides apart outside"
    " a an the this that these those it its it's i me my mine us we you your yours yourself am is are was were be"
    " being been"
    " do does did doing to of in on at for with by from as into and or nor but so then than also too if when while"
    " please kindly just only simply maybe perhaps possibly may might can could would will shall should must let"
    " answer answers answering reply replies replying response responses respond text texts style styles tone tones"
    " language wording words writing write writes written way manner format message messages sentences ones one thing"
    " things stuff output outputs version voice approach presentation form register attitude mode chat conversation"
    " advice information info content everything anything all any every each some most more lots lot many much bit"
    " keep keeps kept make makes made use uses using used give gives giving given talk talks talking speak speaks"
    " speaking sound sounds explain explains explaining get gets getting want wants wanted like likes liked love loves"
    " prefer prefers preferred enjoy enjoys appreciate need needs rather add adding include includes including put"
    " try trying go goes going stay let's have has having show shows find mention mentions say says saying start think"
    " thinks come comes happy glad fan about over under around up out off good better best well fine ok okay welcome"
    " great nice allowed allow appreciated needed now on onwards future general generally usually possible ever again"
    " here there point bring always never sometimes often default really very tell telling there's what not no yes"
    " hi hello hey thanks thank additionally instead however otherwise elsewhere normally preference preferences"
    " preferably ideally mostly mainly every time times end begin beginning always okay same still quite both"
    " level amount kind sort type wise whenever wherever whatever how enough least maximum max minimum"
    " take takes read reading see understand provide provides offer deliver stick phrase phrased worded throw sprinkle"
    " little few right cool extra plenty feel free really hesitate afraid mind answered"
    " addressed address treat reader opt choose pick favour favor back don because since either".split()
)
