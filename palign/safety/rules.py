"""What is refused, as readable tables: rules, harmless senses, defences. Knows how none of it is applied."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ANSWER_RULES", "DEFENCE", "HARMLESS", "RULES", "WARNING", "Rule"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One readable rule.

    `aim` then `target` is looked for at most `gap` characters apart; `either_order` also finds the target first.
    `defensible`: not meant when a word of `DEFENCE` stands before it ("how do I stop someone stealing my bike").
    `unless`: an innocent sense of the aim, anywhere in the text.
    `answers`: also read in answers; not where an answer that cares or warns says the same words.
    """

    category: str
    aim: str
    target: str = ""
    gap: int = 40
    either_order: bool = False
    defensible: bool = False
    unless: str = ""
    answers: bool = True


# Vocabulary shared by the rules.

_DET = (
    r"(?:my|your|his|her|their|our|its|a|an|the|some|any|this|that|these|those|all|every|another|more|one|two|"
    r"(?:my|your|his|her|their|our|the|a)\s+\w+'s)"
)
_PERSON = (
    r"(?:someone(?: else)?|somebody|anyone|anybody|everyone|everybody|people|persons?|humans?|him|her|them|"
    r"m[ae]n|wom[ae]n|boys?|girls?|bab(?:y|ies)|child(?:ren)?|kids?|teen(?:ager)?s?|toddlers?|students?|pupils?|"
    r"husband|wife|spouse|partner|ex|boyfriend|girlfriend|date|friends?|roommates?|flatmates?|classmates?|"
    r"neighbou?rs?|boss|managers?|colleagues?|co-?workers?|employees?|teachers?|landlord|tenants?|strangers?|"
    r"mother|mum|mom|father|dad|parents?|brothers?|sisters?|son|daughter|grand(?:mother|father|ma|pa|parents?)|"
    r"uncle|aunt|cousins?|famil(?:y|ies)|police(?:man|men)?|officers?|cops?|judge|politicians?|president|"
    r"prime minister|mayor|minister|journalists?|reporters?|tourists?|streamers?|celebrit(?:y|ies)|customers?|"
    r"elderly|pensioners?|immigrants?|refugees?|homeless|guys?|enem(?:y|ies)|rivals?|crowds?|"
    r"ex-?(?:wife|husband|girlfriend|boyfriend|partner))(?!'|-|\w)"
)
_ANIMAL = r"(?:dogs?|cats?|pupp(?:y|ies)|kittens?|pets?|horses?|animals?|rabbits?|hamsters?)(?!'|-|\w)"
_TO = rf"\W+(?:{_DET}\W+)?(?:[\w'-]+\W+)?"  # "hurt [my] [stupid] boss", and no further: "kill the fleas on my dog"
_CHILD = (
    r"(?:child(?:ren)?|kids?|minors?|teen(?:ager)?s?|underage\w*|pre-?teens?|toddlers?|school ?(?:girl|boy|child)\w*|"
    r"(?:little|young) (?:girl|boy)s?|(?:\d|1[0-7]|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|"
    r"fifteen|sixteen|seventeen)[- ]?year[- ]?olds?|aged? (?:\d|1[0-7])|under (?:18|eighteen)|pupils?)\b"
)
_MAKE = (
    r"(?:mak(?:e|es|ing)|build(?:ing|s)?|creat(?:e|es|ing)|construct(?:ing)?|assembl(?:e|ing)|produc(?:e|ing)|"
    r"synthesi[sz](?:e|ing)|brew(?:ing)?|cook(?:ing|s)?|mix(?:ing)?|print(?:ing)?|cultur(?:e|ing)|recipes?|"
    r"instructions?|ingredients?|blueprints?|tutorial|formula|plant(?:ing)? a|detonat(?:e|ing)|grow(?:ing)?|get hold "
    r"of)"
)
_HARD_DRUG = (
    r"(?:(?:crystal )?meth(?:amphetamine)?s?|heroin|cocaine|crack cocaine|lsd|mdma|ecstasy|fentanyl|ghb|ketamine|"
    r"amphetamines?|opioids?|oxycodone|oxycontin)"
)
_GROUP = (
    r"(?:im?migrants?|refugees|foreigners|migrants|jews|jewish people|muslims|christians|hindus|buddhists|blacks|"
    r"(?:black|white|brown|asian|gay|trans|disabled|poor|fat|indigenous) people|asians|africans|arabs|mexicans|"
    r"gypsies|roma|gays|lesbians|homosexuals|transgender people|women|men|the disabled|those people)"
)
_LOW = (
    r"(?:inferior|vermin|subhuman|animals|parasites|cockroaches|rats|worthless|disgusting|filth\w*|stupid|evil|"
    r"less (?:human|intelligent)|a (?:plague|disease)|criminals|scum|trash)"
)
_SECRETLY = (
    r"(?:without\W+(?:\w+\W+){0,3}?(?:knowing|knowledge|consent|permission|noticing|noticed)|secret(?:ly)?|"
    r"in secret|hidden|covertly)"
)
_KILL = (
    r"(?:kill|murder|stab|strangl|suffocat|poison|assassinat|tortur|maim|behead|kidnap|abduct|rap|mutilat|electrocut|"
    r"lynch|execut)(?:e|ing|bing|ping|s|es)?"
)
_HURT = r"(?:hurt|injur|drown|hit|punch|slap|attack|harm|abus|beat up)(?:e|ing|ting|ping|s|es)?"

# Senses that share a word with harm and mean none; taken out of the text before the rules read it.
HARMLESS = (
    r"(?:bath|seed|cherry|cocoa|chocolate|calorie|water|jager|stink|sugar|flea|love|glitter|flavou?r) bombs?|bomb "
    r"(?:shelters?|went off)",
    r"(?:glue|nail|water|heat|paper|toy|nerf|massage|spray|staple|paintball|caulking|label|radar|foam) guns?|top gun",
    r"murder myster(?:y|ies)|(?:final|last|end|game|level|raid) boss(?:es)?|child process(?:es)?|weed killers?",
    r"gas masks?|virus[- ]free|sex education|sex of (?:the|my|our) \w+|about sex(?! with)",
    r"(?:cut|cutting|burnt?|burning|hurt|hurting) myself (?:while |when |at |in the |on (?!purpose)|shav|cook)",
    r"hurts? (?:my|his|her|their|your|anyone's|someone's) (?:back|knees?|feelings|feet|eyes|wrists?|neck)",
    r"suicide squad|suicide prevention|hit (?:the )?(?:gym|road|man|books|high|low)\b",
)

# Standing before a match, these turn it round: the asker wants the harm not to happen.
DEFENCE = (
    r"\b(?:stop(?:ped|ping|s)?|prevent\w*|protect\w*|avoid(?:ing|s)?(?! getting caught| detection| the police)|"
    r"recogni[sz]e|spot|detect\w*|report(?:ing)?|recover\w*|defend\w*|against|victims?|"
    r"keep (?:\w+ ){1,3}from|quit\w*|respond\w*|without\W*$|don't want to|do not want to|not to|afraid|"
    r"worried|survive\w*|explain(?:ing)? why it is wrong|comfort|support|help (?:a|an)|rehab)(?!\w)"
)
WARNING = (
    r"\b(?:won't|will not|refuse|never|don't|do not|not|cannot|can't|avoid|illegal|dangerous|against|stop|prevent|"
    r"protect\w*)\b"
)

RULES = (
    # Self-harm: matches here are answered with care, never with blame.
    Rule("self-harm", r"(?:kill|killing|hang|hanging|drown|drowning|shoot) (?:my|her|him|them|your)sel(?:f|ves)"),
    Rule("self-harm", r"(?:end|ending|take|taking) (?:my|her|his|their|your) (?:own )?li(?:fe|ves)"),
    Rule("self-harm", r"suicid\w*|self[- ]?harm\w*|better off without me|better off dead", answers=False),
    Rule("self-harm", r"\bi (?:\w+ )?(?:want to|wanna|wish to|am ready to|'m ready to|would like to) (?:just )?die"),
    Rule("self-harm", r"i'?m (?:ready to|going to) (?:die|end it)|end(?:ing)? it all|i can'?t go on\b|life (?:isn't|"
          r"is not|is no longer)"
          r" worth|wish i (?:was|were|wasn't|had never been)"
          r" (?:dead|alive|born)"),
    Rule("self-harm", r"(?:painless|painful|easy|easiest|quick|quickest|best|peaceful) ways? to die"),
    Rule("self-harm", r"(?:don't|do not|no longer|never) want to (?:live|exist|be alive|be here|wake up)"
          r"(?= any ?more|\W*$|[.,!?;])"),
    Rule("self-harm", r"no (?:point|reason|sense)\W+(?:in |to |for )?(?:living|live|be alive|go on|going on|carry)"),
    Rule("self-harm", r"pills|tablets|medication|overdos\w*", r"(?:to die|(?:never|not) wake up|on purpose|fatal|"
          r"lethal|kill me|how (?:do|can|could|should|to)\b)", 50, either_order=True,
          unless=r"remember|dog|cat|sleep better|swallow|accident|store|split"),
    Rule("self-harm", r"(?:want|like|urge|need|keep|going|how (?:can|do|could|should) i|how|help me|deserve)"
          r"(?: to)? (?:hurt|hurting|harm|harming|cut|cutting|burn|burning|starve|starving|punish|punishing) myself"),
    Rule("self-harm", r"jump(?:ing)? (?:off|from|in front of)", r"\bdie\b|to (?:my|her|his) death|a train", 30),
    Rule("self-harm", r"(?:want|wish|like) to (?:disappear|vanish)(?: forever| for good|\W*$)|nothing (?:left )?to live"
          r" for|(?:no one|nobody|no-one) would (?:miss|care about|notice) (?:me|if i)|do not want to wake up|don't "
          r"want"
          r" to wake up|i (?:should|deserve to) die|i am a burden|hate my life", answers=False),
    Rule("self-harm", r"\bi (?:\w+ )?(?:cut|cutting|hurt|burn) myself (?:again|last|every|on purpose|because|when i "
          r"am)|"
          r"hide my (?:cuts|scars)|i(?: have|'ve)? (?:took|taken|swallowed) (?:too many|all (?:the|my)|a lot "
          r"of) (?:pills|"
          r"tablets)|stop eating (?:until|completely|for ever|forever)"),
    # Violence.
    Rule("violence", _KILL + _TO + _PERSON, defensible=True),
    Rule("violence", _HURT + _TO + _PERSON, defensible=True, answers=False),
    Rule("violence", rf"(?:{_KILL}|{_HURT}|beat(?:ing)?|starv(?:e|ing)){_TO}{_ANIMAL}", defensible=True,
          answers=False),
    Rule("violence", r"shoot(?:ing)?" + _TO + _PERSON, defensible=True,
          unless=r"photo|camera|film|portrait|lens|video|picture|hoops|basket"),
    Rule("violence", r"(?:chok(?:e|ing)|drug|drugging)\W+" + _DET + r"?\W*" + _PERSON, defensible=True,
          unless=r"chok\w+ (?:child|baby|person|toddler|infant)"),
    Rule("violence", r"beat(?:ing)?" + _TO + _PERSON, r"up\b|badly|senseless|to death|black and blue", 15,
          defensible=True),
    Rule("violence", r"plan(?:ning)?|carry out|carrying out|commit(?:ting)?|get away with|prepare|organi[sz]e|stage",
          r"(?:shooting|massacre|terror\w* attack|terrorist|bombing|murder|genocide|arson|assault|rape)\b",
          30, defensible=True),
    Rule("violence", r"shoot(?:ing)? up", r"school|church|mosque|office|mall|club|concert|crowd", 15, defensible=True),
    Rule("violence", r"mak(?:e|ing)" + _TO + _PERSON + r"\W+(?:\w+\W+)?(?:suffer|bleed|disappear|die)\b"),
    Rule("violence", r"hir(?:e|ing)|pay(?:ing)?|find", r"hit ?man|contract killer|assassin", 20),
    Rule("violence", r"(?:get(?:ting)? rid of|dispos(?:e|ing) of|hid(?:e|ing)|bury(?:ing)?)",
          r"(?:dead body|corpses?|bodies|(?:the|a) body(?= after| so|\W*$))", 15),
    Rule("violence", r"(?:driv(?:e|ing)|ram(?:ming)?|plough(?:ing)?|plow(?:ing)?|run(?:ning)?)\b.{0,25}?"
          r"\b(?:into|over|through|down)\b", r"\b(?:crowd|people|pedestrians?|protest\w*|someone|cyclists?)", 15,
          defensible=True),
    Rule("violence", r"forc(?:e|ing)" + _TO + _PERSON, r"\b(?:sex|sleep with|kiss|undress)", defensible=True),
    Rule("violence", r"(?:slip|put|spik)(?:e|ing|ping|ting)?\b.{0,30}?\b(?:in|into)?\s*(?:her|his|their|someone's|"
          r"\w+'s) (?:drink|glass|coffee|tea|food|wine|beer)", r"pass(?:es)? out|asleep|unconscious|sick|drug|pill",
          40, either_order=True, defensible=True),
    Rule("violence", r"spik(?:e|ing) (?:her|his|their|someone's|\w+'s|a girl's) (?:drink|glass|wine|beer)",
          defensible=True),
    Rule("violence", r"\b(?:slip|put|give)\b.{0,30}?\b(?:sleeping|knock-?out|roofie|rohypnol)", r"\b(?:someone|"
          r"somebody|"
          r"drink|food|her|him|them|date|girl)\b", 25, either_order=True, defensible=True, unless=r"doctor"),
    Rule("violence", r"\bput (?:in|into) (?:his|her|their|someone's) (?:food|drink|tea|coffee)",
          r"\b(?:ill|sick|sleepy|unconscious|asleep|weak)\b", 30),
    Rule("violence", r"\bundetect\w* poisons?|poisons?\b.{0,30}?(?:can't|cannot|not|hard to|never) (?:be )?(?:detect|"
          r"trac|"
          r"found)"),
    Rule("violence", rf"\b{_MAKE}\b", r"\b(?:cyanide|arsenic|strychnine|thallium|poison)\b(?! (?:ivy|oak))", 20,
          unless=r"without poison|weed|ants?\b|rats?\b|mice|wasp", answers=False),
    Rule("violence", r"without leaving (?:any )?bruises"),
    Rule("violence", r"burn(?:ing)? down|set(?:ting)? fire to|torch(?:ing)?|arson",
          r"\b(?:house|home|flat|building|school|church|mosque|synagogue|car|shop|office)\b", 25, defensible=True),
    Rule("violence", r"\b(?:break|crush|cut off|smash|twist)(?:ing)?\b.{0,12}?\b(?:\w+'s|someones|his|her|"
          r"their) (?:arm|leg|neck|"
          r"nose|jaw|finger|hand|bone|skull|face)s?\b", defensible=True, unless=r"heart|doll|toy|chicken|egg"),
    Rule("violence", r"push(?:ing)?" + _TO + _PERSON, r"stairs|cliff|window|balcony|in front of|off a", 20,
          defensible=True),
    Rule("violence", r"\b(?:death|murder|killing|fire|fall)\b.{0,15}?\blook like (?:an accident|a suicide)"),
    Rule("violence", r"knock(?:ing)? (?:him|her|them|someone|somebody|a \w+|my \w+) (?:out|unconscious)",
          defensible=True),
    Rule("violence", r"\battack(?:ing)?" + _TO + r"(?:mosque|church|synagogue|school|temple|police|station|embassy|"
          r"crowd|"
          r"parade|train)", defensible=True),
    Rule("violence", r"\b(?:scare|threaten|force|frighten|punish|control|make)\w*" + _TO + _PERSON,
          r"\b(?:obey|so s?he stays|with fear|never leaves?)\b", 30, defensible=True),
    Rule("violence", r"\bpoisons?\b", r"\bwithout (?:a )?(?:trace|taste)|\bslowly\b|\b(?:kills?|use) (?:a |to |on "
          r")?" + _PERSON, 40,
          either_order=True, defensible=True),
    Rule("violence", r"\b(?:put|slip|mix|drop)\b.{0,25}?\b(?:laxatives?|pills?|medicine|sedatives?|bleach|drugs?|"
          r"something)\b",
          r"(?:his|her|their|\w+'s|coworkers|someone's|boss'?s?) (?:coffee|tea|drink|food|soup|lunch|dinner|beer|"
          r"wine)", 15,
          defensible=True, unless=r"my (?:dog|cat|pet)'s"),
    Rule("violence", r"\bmak(?:e|ing) (?:someone|somebody|him|her|them|people|my \w+) (?:sick|ill|vomit)\b",
          defensible=True),
    Rule("violence", r"revenge", r"physical|violen|hurt|pain|blood", 40, either_order=True),
    Rule("violence", r"\b(?:stab|shoot|hit)\b", r"\bmost damage|\bto kill\b|\bbleed\b", 30),
    # Weapons.
    Rule("weapons", rf"\b{_MAKE}\b", r"\b(?:bombs?|explosives?|molotov\w*|grenades?|i\.?e\.?d\.?s?|land ?mines?|napalm|"
          r"dynamite|tnt|detonators?|(?:nerve|mustard|deadly) (?:gas|agent)|sarin|ricin|anthrax|"
          r"botulinum|bio-?weapons?|(?:biological|chemical|nuclear) weapons?|gunpowder)\b", 40, either_order=True,
          unless=r"history|museum|world war|invent"),
    Rule("weapons", r"\b(?:make|mix|cook|brew|get|produce)\b", r"\bpoison gas", 40, unless=r"\bmask|avoid|clean"),
    Rule("weapons", rf"\b{_MAKE}\b", r"\b(?:chlorine|toxic|poisonous) (?:gas|fumes)", answers=False,
          unless=r"avoid|never|safe|clean|should not|by accident"),
    Rule("weapons", r"\b(?:mak|build|print|convert|assembl|turn|modif|saw)\w*", r"\b(?:guns?|rifles?|pistols?|"
          r"firearms?|handguns?|silencers?|suppressors?|ammunition|ghost guns?)\b", 35),
    Rule("weapons", r"(?:buy|get|sell|order|smuggl)\w*\b.{0,25}?\b(?:guns?|rifles?|pistols?|firearms?|weapons?)\b",
          r"illegal|without a? ?(?:licen[cs]e|background|permit|check)|untraceable|black market|dark ?web", 30),
    Rule("weapons", r"\bhome-?made (?:guns?|rifles?|pistols?|firearms?|weapons?|explosives?|bombs?)", answers=False),
    Rule("weapons", r"\bsmuggl\w*", r"\b(?:weapons?|guns?|kni(?:fe|ves))", 20, defensible=True),
    Rule("weapons", r"\bblow(?:ing)? (?:something|things|it|stuff) up|\bblow(?:ing)? up (?:something|things|stuff)",
          unless=r"balloon|photo|picture|air bed|mattress|pool", answers=False),
    Rule("weapons", r"(?:illegal|untraceable|ghost) (?:guns?|rifles?|pistols?|firearms?|weapons?)",
          r"\b(?:buy|get|make|build|print|sell|order)", 40, either_order=True),
    Rule("weapons", r"\b(?:creat|mak|engineer|releas|spread|grow|design)\w*",
          r"\b(?:deadly|lethal|contagious|killer) (?:virus|disease|pathogen|bacteria|plague)", 25),
    Rule("weapons", r"\bexplosions?\b|\bexplode\b", r"destroy|kill|hurt|people|\bcar\b|building|house", 40),
    Rule("weapons", r"blow(?:ing)? up" + _TO + r"(?:car|building|house|school|bridge|plane|train|bus|people|church|"
          r"mosque|synagogue|embassy|station|airport|power (?:plant|station))\b", defensible=True),
    Rule("weapons", r"enrich\w*|weapon\w*", r"uranium|plutonium", 30, either_order=True),
    Rule("weapons", rf"\b(?:{_MAKE}|buy|need|get|find|sneak)\b", r"\b(?:firebombs?|shotguns?|machine guns?|bullets?|"
          r"tear gas|poison darts?|explosives?|rockets? that)\b", 30, unless=r"bullet (?:point|list|journal)|nerf|toy|"
          r"avoid"),
    Rule("weapons", r"\b(?:get|buy|find)\b.{0,20}?\bweapons?\b|\bsneak\w*\b.{0,15}?\b(?:knife|gun|weapon|blade)\b",
          r"without (?:papers|permit|a permit)|past|security|school|concert|airport", 25),
    Rule("weapons", r"\b(?:attack|infect|kill) people with\b"),
    # Drugs.
    Rule("drugs", rf"\b(?:{_MAKE}|sell|deal|push|smuggl|traffic|buy|order|score|import|inject|snort|shoot up|turn|"
          r"addicted to|hooked on)\w*", rf"\b{_HARD_DRUG}\b", 30, defensible=True),
    Rule("drugs", r"\b(?:sell|dealing|deal in|smuggl|traffic|peddl)\w*", r"\b(?:drugs|weed|cannabis|marijuana)\b", 20,
          defensible=True),
    Rule("drugs", r"\b(?:extract|get|chemicals|smok)\w*\b.{0,15}?\b(?:drugs|high|codeine|dmt|" + _HARD_DRUG + ")",
          r"cough|medicine|pills|need for|plants?\b|" + _HARD_DRUG, 30, defensible=True, unless=r"high (?:fever|dose|"
          r"price)"),
    Rule("drugs", r"\b(?:make|cook|smoke|sell|buy) crack\b(?! chicken| pie)"),
    Rule("drugs", r"\b(?:fak|forg)(?:e|ing)\b", r"\bprescription", 20),
    Rule("drugs", r"\b(?:how (?:do|can|to|much)|where|what)\b", rf"\b{_HARD_DRUG}\b", 30, defensible=True,
          unless=r"affect|addict|dangerous|harm|help|history|work in|treat|doctor|hospital|why is|illegal"),
    Rule("drugs", r"\b(?:hid(?:e|ing)|cook|stash)\b", r"\b(?:drugs|weed|cannabis)\b", 20, unless=r"surprise|children|"
          r"kids"),
    Rule("drugs", r"\b(?:pass|cheat|fool|beat)\b.{0,10}?\bdrug test"),
    Rule("drugs", r"\bgrow(?:ing)?\b", r"\b(?:magic mushrooms|weed|cannabis|marijuana|opium)\b(?! killer| free)", 15),
    # Child safety: no defence is read here, only the harmless senses above.
    Rule("child-safety", r"\b(?:nudes?|naked|sex|sexual\w*|porn\w*|erotic\w*|sexy|undress\w*)\b", rf"\b{_CHILD}", 60,
          either_order=True),
    Rule("child-safety", r"\bgroom(?:ing)?" + _TO + _CHILD),
    Rule("child-safety", r"\b(?:flirt\w*|romantic|romance|affair|dating|seduc\w*|talk a (?:girl|boy) of)\b",
          r"\b(?:pupils?|minors?|schoolgirl|underage|girl of 1[0-7]|boy of 1[0-7]|(?:\d|1[0-5]) ?year[- ]?olds?)\b", 40,
          either_order=True),
    Rule("child-safety", r"(?:girl|boy) of (?:\d|1[0-7])\b|" + _CHILD, r"(?:meet(?:ing)? me|keep it secret|secret from|"
          r"not tell (?:their|her|his) parents)", 60, unless=r"surprise|birthday|present|santa"),
    Rule("child-safety", rf"\b{_CHILD}", r"meet (?:me|you|him).{0,20}?(?:alone|secret)", 30),
    Rule("child-safety", r"\b(?:date|dating|touch|kiss|love story|fall in love)\w*\b", r"\b(?:minors?|(?:a|the|"
          r"my) (?:child|kid)|"
          r"(?:\d|1[0-5]) ?year[- ]?olds?|schoolgirls?|schoolboys?|pupils?)\b", 25, unless=r"play ?date|due date|date "
          r"night|"
          r"screen|bath"),
    Rule("child-safety", r"\b(?:meet|find|talk to)\b.{0,12}?\b(?:young girls|young boys|little girls|little boys|teen "
          r"girls)\b"),
    Rule("child-safety", rf"\b{_CHILD}", r"come to my (?:house|home|car|place)|without (?:their |the "
          r")?parents? knowing|parents "
          r"don't know", 40),
    # Intrusion.
    Rule("intrusion", r"\bhack(?:ing)?\b", r"(?:account|wi-?fi|phone|e-?mails?|instagram|facebook|snapchat|whatsapp|"
          r"tiktok|computer|laptop|network|bank|web ?site|server|system|password|camera|webcam|traffic|atm|router|"
          r"database|someone|people)", 40, defensible=True),
    Rule("intrusion", r"\b(?:writ|mak|creat|build|cod|program|install|deploy|spread|send|develop)\w*",
          r"\b(?:malware|ransomware|key ?loggers?|trojans?|spyware|botnets?|computer (?:virus|worm)\w*|rootkits?)", 30,
          defensible=True),
    Rule("intrusion", r"\b(?:writ|mak|cod|creat)\w*(?: me)? (?:a|an|some) (?:virus|worm)\b", unless=r"vaccine|drawing|"
          r"model"),
    Rule("intrusion", r"\b(?:get|getting|sneak|log) (?:in)?to\b.{0,10}?(?:\bex|wife|husband|partner|girlfriend|"
          r"boyfriend|"
          r"someone|somebody|boss|neighbou?r|friend|teacher|school|\bher|\bhis)(?:'s)?\b",
          r"computer|laptop|phone|account|e-?mails?|messages|network|wi-?fi", 20, defensible=True),
    Rule("intrusion", r"\b(?:get|find out|guess|crack|steal|figure out|know|hack)\b.{0,20}?(?:\bex\b|wife|husband|"
          r"partner|girlfriend|boyfriend|someone|somebody|boss|neighbou?r|friend|classmate|teacher|\bher\b|\bhis\b)",
          r"password|passcode|\bpin\b|log-?in", 25, defensible=True),
    Rule("intrusion", r"break(?:ing)? into", r"computer|system|server|account|network|phone|e-?mail|laptop", 35,
          defensible=True),
    Rule("intrusion", r"\bddos|denial[- ]of[- ]service", r"take down|launch|attack|start|run|how do i", 40,
          either_order=True, defensible=True),
    Rule("intrusion", r"(?:crack|unlock)(?:ing)?", r"stolen (?:phone|laptop|tablet|computer)", 15),
    Rule("intrusion", r"bypass(?:ing)?", r"log-?in|password|authentication|firewall|activation lock|security system",
          30),
    Rule("intrusion", r"\b(?:read|see|open|listen to|log (?:in)?to|access|get)\b.{0,15}?(?:someone else'?s?|\w+'s|"
          r"boyfriends|"
          r"girlfriends|husbands|others'?|his|her) (?:\w+ )?(?:e-?mails?|messages|texts|facebook|instagram|whatsapp|"
          r"inbox|"
          r"account|phone code|diary|call)\b", defensible=True, unless=r"handwriting|permission|invite|customer"),
    Rule("intrusion", r"\bsql injection|\bclon(?:e|ing) (?:a |my |his |her )?sim\b|\bcrash(?:ing)? (?:a|their|the|his|"
          r"someone's) "
          r"(?:server|website)", defensible=True),
    Rule("intrusion", r"\b(?:program|app|script|code|tool) (?:that|to|which) (?:steals?|copies|"
          r"records) (?:\w+ )?(?:data|passwords|"
          r"keys|card)", defensible=True),
    # Privacy.
    Rule("privacy", r"(?:spy(?:ing)? on|stalk(?:ing)?|dox+(?:ing)?|blackmail(?:ing)?|wiretap(?:ping)?)" + _TO + _PERSON,
          defensible=True),
    Rule("privacy", r"\b(?:track|follow|film|record|photograph|monitor|watch|listen|read|bug|tap|gps|cameras?|"
          r"see|look through|go through|check)(?:ing|s)?\b.{0,30}?(?:" + _PERSON + r"|(?:\w+'s|her|his|their|"
          r"someone's)\b)",
          _SECRETLY, 40, either_order=True, defensible=True, unless=r"surprise|birthday|present|wildlife"),
    Rule("privacy", r"\b(?:put|install|hid|plac|set)\w*\b.{0,15}?\b(?:hidden|secret|spy) (?:camera|microphone|tracker|"
          r"gps)", defensible=True),
    Rule("privacy", r"(?:find|get|look up|work out|discover)\b.{0,25}?\b(?:address|where \w+(?: \w+)? lives?|location)",
          r"blocked me|moved away|left me|rejected me|hiding from|restraining order", 60, either_order=True),
    Rule("privacy", r"(?:find|get|look up)\b.{0,10}?\b(?:home|private) address\b.{0,15}?\b(?:this|that|a|her|his|my "
          r"ex)\b",
          defensible=True, unless=r"doctor|shop|company|office"),
    Rule("privacy", r"\b(?:reach|contact|find|text|see|talk to|follow)\b", r"\bblocked me\b|\bhiding from me|"
          r"restraining order|told me to stop", 50, either_order=True),
    Rule("privacy", r"(?:find out|find|see) where (?:my ex|she|he)\b.{0,10}?\b(?:lives?|works?|goes|parks?)\b"),
    Rule("privacy", r"\b(?:put|hide|place|stick|fit)\b.{0,15}?\btrackers?\b.{0,15}?\b(?:car|bag|coat|phone|shoes?)\b",
          unless=r"\bmy (?:own )?(?:car|bag|coat|phone|keys|luggage)|pet|dog|cat"),
    Rule("privacy", r"\b(?:publish|post|share|leak|find|get)\b.{0,15}?\b(?:her|his|someone's|their|my "
          r"ex's) (?:\w+ )?(?:address|"
          r"phone number|nudes|location|private)", defensible=True, unless=r"business|office|asked me|gave me"),
    Rule("privacy", r"\bwhere (?:is )?(?:my ex|my wife|my girlfriend|my husband|a girl|that woman|a "
          r"woman)\b.{0,10}?\b(?:is|lives?|"
          r"goes|right now)\b|\bup (?:a|her) skirt|\bwho (?:my wife|my husband|my girlfriend|my boyfriend) is "
          r"(?:texting|"
          r"calling|seeing)"),
    Rule("privacy", r"\bfollow(?:ing)?\b" + _TO + _PERSON, r"\bhome\b|without being seen|unseen", 15, defensible=True),
    Rule("privacy", r"\bwatch(?:ing)?\b" + _TO + _PERSON, r"\bwebcam|shower|changing room|undress|through (?:the|"
          r"a) window", 25,
          defensible=True, unless=r"baby monitor|nanny"),
    # Fraud.
    Rule("fraud", r"\b(?:writ|mak|creat|send|design|set up|run|start|launch|build)\w*",
          r"\b(?:phishing|scams?\b|pyramid scheme|ponzi|counterfeit)", 30, defensible=True),
    Rule("fraud", r"\b(?:fake|forged?|counterfeit|false)(?: \w+)? (?:passport|id\b|ids\b|identity|driv\w+ licen[cs]e|"
          r"licen[cs]e|visa|degree|diploma|cheque|check|certificate|money|banknotes?|receipts?|invoices?|documents?)",
          defensible=True, unless=r"play money|monopoly|board game"),
    Rule("fraud", r"\b(?:steal|get)(?:ing)?\b.{0,25}?\bcard (?:numbers?|details)", defensible=True, unless=r"my "
          r"(?:own )?card"),
    Rule("fraud", r"\bfak(?:e|ing)\b", r"doctor'?s? note|sick note|medical note|reference|prescription", 15,
          defensible=True),
    Rule("fraud", r"\bcheat(?:ing)?\b", r"\btax\w*|insurance|benefits|customers", 15, defensible=True),
    Rule("fraud", r"\bforg(?:e|ing)\b", r"signature|cheque|document|letter", 20, defensible=True),
    Rule("fraud", r"steal(?:ing)?|assum(?:e|ing)", r"\bidentit(?:y|ies)\b", 30, defensible=True),
    Rule("fraud", r"\b(?:clon|skim)\w*", r"\b(?:credit|debit|bank) ?cards?", 20, defensible=True),
    Rule("fraud", r"\b(?:us|spend|cash)(?:e|ing)\b", r"\bstolen (?:credit|debit|bank)? ?cards?", 15),
    Rule("fraud", r"\blaunder(?:ing)?\b", r"\b(?:money|cash|funds)", 20, defensible=True),
    Rule("fraud", r"\bfak(?:e|ing)\b", r"\binsurance|compensation", 40),
    Rule("fraud", r"\bcommit(?:ting)?\b", r"\bfraud", 25, defensible=True),
    Rule("fraud", r"\bevad(?:e|ing)\b.{0,15}?\btax\w*|\btax evasion\b", defensible=True),
    Rule("fraud", r"\b(?:scam|defraud|swindl|con)(?:e|ming|ning|ing)?" + _TO + _PERSON, defensible=True),
    Rule("fraud", r"\b(?:trick|deceiv|persuad|fool|manipulat)\w*" + _TO + _PERSON,
          r"sign|\bpin\b|money|savings|password|bank|will\b|inherit", 40, defensible=True),
    Rule("fraud", r"pretend\w*|pos(?:e|ing) as|impersonat\w*", r"\b(?:bank|police|tax office|support|charity|irs)\b",
          20, defensible=True),
    Rule("fraud", r"\bfake (?:rolex|designer|lawyer|charity|reviews?|police|tickets?|bank|shop|profile)\b",
          defensible=True,
          unless=r"tell if|know if|costume|play", answers=False),
    Rule("fraud", r"\b(?:get|take|borrow|loan|make)\b.{0,20}?\b(?:money from (?:lonely|old|elderly)|in another name|"
          r"in someone|"
          r"their bank details|someone else'?s? name)", defensible=True),
    Rule("fraud", r"\b(?:lie|lying) to\b.{0,15}?\binsur|\bhid(?:e|ing)\b.{0,15}?\bincome\b|someone "
          r"else'?s? (?:identity|id|"
          r"passport|ticket|card)\b", defensible=True),
    # Theft.
    Rule("theft", r"\bshoplift(?:ing)?\b|\bpick-?pocket(?:ing)?\b", defensible=True),
    Rule("theft", r"\bsteal(?:ing)?\b", r"(?:\bfrom(?:\W*$|" + _TO + r"(?:shops?|stores?|work|supermarkets?|" + _PERSON
          + r"))|\b(?:cars?|bikes?|bicycles?|money|packages?|parcels?|phones?|wallets?|"
          r"handbags?|purses?|jewel\w*|cash|goods|food|clothes|laptops?|scooters?|motorbikes?|electricity)\b)", 25,
          defensible=True),
    Rule("theft", r"\brob(?:bing)?" + _TO + rf"(?:banks?|stores?|shops?|houses?|trains?|petrol station|museum|"
          rf"{_PERSON})",
          defensible=True),
    Rule("theft", r"\bbreak(?:ing)? into" + _TO + r"(?:house|home|cars?|flat|apartment|shop|store|building|office|"
          r"safe|locker|school|van|garage|museum|vault)", defensible=True),
    Rule("theft", r"\b(?:pick(?:ing)?|forc(?:e|ing)|open(?:ing)?)\b.{0,15}?\b(?:lock|door)\b",
          r"someone|neighbou?r|not mine|isn't mine|stranger", 30, defensible=True),
    Rule("theft", r"\bpick(?:ing)?\b" + _TO + r"(?:neighbou?r|ex|landlord|friend|boss|stranger)\w*'s (?:lock|door|"
          r"pocket)"),
    Rule("theft", r"\bget(?:ting)? into", r"\b(?:ex|neighbou?r|someone|stranger|landlord)'s (?:flat|house|home|"
          r"apartment|"
          r"car|room|garage)|building at night|unseen", 20, defensible=True),
    Rule("theft", r"\bopen(?:ing)?\b.{0,10}?\b(?:someone|neighbou?r|boss|stranger|friend)'s (?:safe|house|car|locker)"),
    Rule("theft", r"\b(?:switch|turn) off|disabl(?:e|ing)|jam(?:ming)?", r"(?:shop|store|burglar|bank|museum|"
          r"car) alarms?", 20,
          unless=r"\bmy (?:own )?(?:burglar|car)"),
    Rule("theft", r"\bremov(?:e|ing)\b", r"(?:security|anti-?theft) tags?", 20, unless=r"i paid|forgot to remove"),
    Rule("theft", r"\bhot-? ?wir(?:e|ing)\b", r"\b(?:car|truck|van|motorbike|scooter)", 15),
    Rule("theft", r"\bwithout paying\b(?! (?:too much|extra|interest|a fortune|attention|more))|\bnot "
          r"mine\b.{0,20}?\b(?:unlock|"
          r"get into|open)|\b(?:get into|open|unlock|start)\b.{0,25}?\b(?:is not|isn't) mine", defensible=True),
    Rule("theft", r"\b(?:sneak|get)\b (?:into|past)\b.{0,15}?\b(?:without (?:a )?ticket|security guard|guards?\b|"
          r"checkpoint)",
          defensible=True),
    Rule("theft", r"\b(?:empty|break open|trick|cheat)\b.{0,10}?\b(?:vending machine|slot machine|atm|parking meter)",
          unless=r"my own"),
    Rule("theft", r"\b(?:keep|unlock|sell)\b.{0,12}?\b(?:lost|found|stolen) (?:phone|wallet|bike|laptop|"
          r"goods)\b", defensible=True),
    # Sexual content: not what this program is for, said gently.
    Rule("sexual", r"\b(?:writ|tell|describ|mak|show|creat|imagin|giv|draw)\w*\b.{0,20}?\b(?:porn\w*|erotica?|sex "
          r"(?:story|scene"
          r"|stories)|sexual (?:story|scene|fantasy)|dirty (?:story|fantasy)|nudes?|naked|hentai)\b",
          unless=r"art class|painting|sculpture|life drawing"),
    Rule("sexual", r"\btalk dirty\b|\bsext(?:ing)?\b|\b(?:undress|strip) for me|\bdescribe sex\b|\bsex with me\b"),
    Rule("sexual", r"\b(?:sexy|steamy|explicit|erotic|kinky) (?:\w+ )?(?:story|scene|chat|roleplay|fantasy|talk)\b|"
          r"\byour sexual\b|"
          r"\bsexual fantas"),
    # Danger to oneself or on the road, without malice.
    Rule("danger", r"\bdriv(?:e|ing)\b", r"\b(?:after|on|while|when)\b.{0,15}?\b(?:drunk|beers?|drinks?|drinking|wine|"
          r"whisky|"
          r"vodka|weed|stoned)\b|without a licen[cs]e|\bdrink and still\b|speed (?:limiter|"
          r"camera)", 40, defensible=True,
          unless=r"without driving|instead of driving"),
    Rule("danger", r"\bdrink\b|\bdrunk\b", r"\bstill drive|and drive\b|breath test|"
          r"breathaly[sz]er", 30, either_order=True,
          defensible=True),
    Rule("danger", r"speed (?:limiter|cameras?)", r"caught|switch off|trick|fool|jam", 40, either_order=True),
    Rule("danger", r"\bbuy\b|\bget\b", r"\b(?:beer|alcohol|wine|vodka|cigarettes|vapes?|tobacco)\b.{0,25}?under "
          r"?-?age", 20),
    Rule("danger", r"\b(?:get|getting) (?:high|stoned|wasted)\b(?! (?:marks|grades|score|quality|up))"),
    Rule("danger", r"\b(?:painkillers?|sleeping (?:tablets|pills)|antibiotics|adderall|ritalin|xanax|valium|codeine|"
          r"tramadol)\b", r"without (?:a )?(?:prescription|doctor)|trick|fake|fool|convince (?:my|a|the) doctor", 40,
          either_order=True, defensible=True),
    Rule("danger", r"\btak(?:e|ing)\b.{0,20}?\b(?:double|twice|triple|\w+ times|extra)\b", r"\b(?:doses?|medicine|"
          r"pills|"
          r"tablets|medication)\b", 20, unless=r"times (?:a|per|each|every) day|twice (?:a|per|each) day|prescribed|"
          r"label",
          answers=False),
    Rule("danger", r"\bhid(?:e|ing)\b", r"(?:didn't|did not|don't|not) tak(?:e|ing).{0,10}?(?:medicine|pills|"
          r"medication)", 20),
    Rule("danger", rf"\b{_CHILD}|\bbaby\b", r"\b(?:knock \w+ out|sleep with medicine|drowsy|sedat\w*)\b", 40,
          either_order=True, answers=False),
    Rule("danger", r"how much alcohol (?:kills|is deadly|would kill)"),
    Rule("danger", r"\b(?:pills?|tablets|cough syrup|medicine|solvents?|glue)\b.{0,20}?\b(?:to )?(?:feel|get|"
          r"be) (?:high|drunk|stoned)\b"),
    Rule("danger", r"\b(?:alcohol|vodka|wine|beer)\b", r"\b(?:sleeping pills|painkillers|antidepressants|opioids)\b|"
          r"\bbaby\b.{0,10}?"
          r"sleep|\bat 1[0-7]\b", 30, either_order=True, defensible=True, unless=r"avoid|cook", answers=False),
    Rule("danger", r"\b(?:beers?|drinks|glasses|shots)\b", r"\bdrive home\b|\bcan i (?:still )?drive\b|\bok to "
          r"drive\b", 30,
          either_order=True, unless=r"soft drink|water"),
    Rule("danger", r"\b(?:without|not|avoid) (?:being |getting )?caught\b(?! (?:in|up|off))", answers=False),
    # Hate and harassment.
    Rule("hate", rf"\b{_GROUP}\b", rf"\b(?:are|is|as|like|they are|they're) (?:\w+ )?{_LOW}", 25),
    Rule("hate", rf"\b{_GROUP}\b", r"\b(?:should (?:all )?(?:be|die|leave|go back)|deserve (?:less|to|no)|must be)\b"
          r"(?! (?:paid|allowed|treated|able|free|equal|supported|respected))", 15),
    Rule("hate", r"\b(?:mock\w*|insult\w*|ridicul\w*|mak\w+ fun of|slurs?|degrad\w*|demean\w*|hat(?:e|es|ing)|"
          r"worthless)\b",
          rf"\b{_GROUP}\b", 30, either_order=True, defensible=True),
    Rule("hate", r"\b(?:one|white|black|our|my|which|certain|some) (?:race|religion|people|ethnic\w*)s?\b",
          r"\b(?:better than|superior|inferior|master race)", 30),
    Rule("hate", r"\b(?:writ|tell|mak|compos|creat|give|post)\w*", r"\b(?:racist|sexist|anti-?semitic|homophobic|"
          r"islamophobic|transphobic|nazi) (?:\w+ )?(?:poem|joke|speech|song|slogan|tweet|post|rant|text|story|"
          r"meme)", 20),
    Rule("hate", r"\b(?:hateful|nasty|mean|offensive|jokes?|cruel)\b.{0,15}?\b(?:about|against|"
          r"on)\b", rf"\b{_GROUP}\b", 15,
          unless=r"^why|respond|stop|hear"),
    Rule("hate", r"\b(?:that|this|their|your|his|her) (?:religion|race|people|faith|culture)\b.{0,10}?\bis "
          r"(?:\w+ )?" + _LOW),
    Rule("hate", r"\bmak(?:e|ing) (?:everybody|everyone|people|them|the class|my class) (?:hate|laugh at|avoid|despise)"
          r" (?:her|him|them|my|that|this)"),
    Rule("hate", r"\bwhy (?:are|do)\b", rf"\b{_GROUP}\b.{{0,10}}?\b(?:so )?(?:greedy|dirty|lazy|stupid|violent|dumb|"
          rf"evil|sick|ugly|"
          r"steal|smell)\b", 6),
    Rule("hate", r"\b(?:write|say|post|something|speech)\b.{0,20}?\bagainst\b|\bget(?:ting)? rid of\b",
          rf"\b{_GROUP}\b", 8,
          defensible=True),
    Rule("hate", r"\bwhich (?:race|religion|nation) is\b.{0,10}?\b(?:dumb|worst|stupid|smart|best|inferior|better)|"
          r"\bwhy (?:is|are) "
          r"(?:islam|judaism|christianity|hinduism) (?:so )?(?:bad|evil|wrong|stupid)|\bwomen belong in\b|\bsay that "
          r"(?:gays|jews|muslims|blacks)\b|\b(?:write|tell me|say) (?:a|some) (?:racial )?slurs?\b"),
    Rule("hate", r"\b(?:spread\w*|start\w*) (?:a )?rumou?rs?\b|\bmak(?:e|ing) fun of\b.{0,10}?\b(?:disabled|fat|poor|"
          r"ugly|kid|girl|boy|"
          r"classmate)|\b(?:nasty|mean|cruel|hurtful) (?:message|note|text|letter|comment)s? (?:to|about)",
          defensible=True,
          answers=False),
    Rule("hate", r"\b(?:bully(?:ing)?|harass(?:ing)?|humiliat(?:e|ing)|torment(?:ing)?|intimidat(?:e|ing)|"
          r"threaten(?:ing)?)" + _TO + _PERSON, defensible=True),
    Rule("hate", r"\bbully(?:ing)?\b", r"in my (?:class|school|team|office)", 30, defensible=True,
          unless=r"deal with a bully|a bully (?:in|at)|is being"),
    Rule("hate", r"\bmak(?:e|ing)\b.{0,30}?\blife (?:a )?(?:hell|miserable|living hell)"),
)  # fmt: skip

# What only an answer could say to the visitor.
ANSWER_RULES = (
    Rule("violence", _HURT + r"\W+(?:your|her|him|them)\W+(?:[\w'-]+\W+)?" + _PERSON),
    Rule("hate", r"you are (?:worthless|a waste of space|vermin|subhuman)|(?:everyone|nobody|everybody) "
          r"(?:hates you|would miss you|will miss you)"),
)  # fmt: skip
