"""Rule files that are wrong. A ¦ stands before each place that a problem names; beside it, what is said and hinted."""

from collections.abc import Mapping, Sequence


def _rules(text: str) -> str:
    return f"groups:\n  - name: g\n    every: 5s\n    rules:\n{text}"


def _rule(text: str) -> str:
    return _rules(f"      - alert: A\n        summary: s\n{text}")


def spread(text: str) -> str:
    """Return a file with a threshold rule that ends so."""
    return _rule(f"        threshold: {{table: quotes, value: avg(bid), over: 1m, {text}")


def _summary(text: str, kind: str) -> str:
    return _rules(f'      - alert: A\n        summary: ¦"{text}"\n        {kind}\n')


def _spike(text: str) -> str:
    return _rule(f"        spike: {{table: quotes, value: avg(bid), {text}}}\n")


def _mismatch(text: str) -> str:
    return _rule(f"        mismatch: {{{text}, over: 1m, by: [venue], above: 1}}\n")


def query(text: str) -> str:
    """Return a file with a rule of this SQL."""
    return _rule(f"        over: 1m\n        sql: {text}")


WRONG: Mapping[str, tuple[str, Sequence[tuple[str, str]]]] = {
    "empty": ("¦", [("the file is empty", "start with `groups:`")]),
    "comments only": ("¦# nothing\n", [("the file is empty", "")]),
    "a list": ("¦- a\n", [("a rule file is a mapping with `groups`, not a list", "")]),
    "no groups": ("¦¦a: 1\n", [("unknown key 'a'", ""), ("no 'groups'", "")]),
    "groups is no list": ("groups: ¦{a: b}\n", [("groups must be a list, not a mapping", "start with `- `")]),
    "tab": ("groups:\n¦\t- name: g\n", [("not YAML", "use spaces")]),
    "two documents": ("groups: []\n¦---\ngroups: []\n", [("not YAML", "")]),
    "control character": ("¦groups: \x01\n", [("not YAML", "")]),
    "key twice": ("groups: []\n¦groups: []\n", [("'groups' is given twice", "the first one is in line 1")]),
    "key of a group": (
        "groups:\n  - ¦name: g\n    ¦evry: 5s\n    rules:\n      []\n",
        [("a group has no 'every'", "how often"), ("unknown key 'evry' in a group", "did you mean 'every'?")],
    ),
    "group twice": (
        "groups:\n  - {name: g, every: 5s, rules: []}\n  - ¦{name: g, every: 5s, rules: []}\n",
        [("group 'g' is in this file already", "rename")],
    ),
    "rule twice": (
        spread("above: 1}\n      - ¦alert: A\n        summary: s\n        absent: {table: quotes, over: 1m}\n"),
        [("rule 'A' is in this group already", "rename")],
    ),
    "too often": (
        "groups:\n  - name: g\n    every: ¦50ms\n    rules:\n      []\n",
        [("`every` must be 100ms or more", "")],
    ),
    "a number is no duration": (
        "groups:\n  - name: g\n    every: ¦5\n    rules:\n      []\n",
        [("not the number 5", "500ms, 30s, 5m")],
    ),
    "nothing is no duration": (
        "groups:\n  - name: g\n    every:¦ \n    rules:\n      []\n",
        [("every must be a duration, not nothing", "")],
    ),
    "no duration at all": (
        "groups:\n  - name: g\n    every: ¦12:30\n    rules:\n      []\n",
        [("must be a duration, not '12:30'", "")],
    ),
    "zero": ("groups:\n  - name: g\n    every: ¦0s\n    rules:\n      []\n", [("every must be longer than 0s", "")]),
    "longer than history": (
        "groups:\n  - name: g\n    every: ¦9999999999w\n    rules:\n      []\n",
        [("every must be", "")],
    ),
    "eleven years": (
        "groups:\n  - name: g\n    every: ¦4015d\n    rules:\n      []\n",
        [("every must be 3650d or less", "")],
    ),
    "name is a boolean": (
        "groups:\n  - name: ¦true\n    every: 5s\n    rules:\n      []\n",
        [("name must be a text, not the boolean true", "quotes")],
    ),
    "no kind": (
        _rules("      - ¦alert: A\n        summary: s\n"),
        [("a rule is of one kind, this one has none", "sql, threshold, stale, absent")],
    ),
    "two kinds": (
        _rules(
            "      - ¦alert: A\n        summary: s\n        sql: SELECT 1\n        absent: {table: quotes, over: 1m}\n"
        ),
        [("this one has sql and absent", "")],
    ),
    "no summary": (
        _rules("      - ¦alert: A\n        absent: {table: quotes, over: 1m}\n"),
        [("no 'summary'", "phone")],
    ),
    "severity": (
        spread("above: 1}\n        severity: ¦pager\n"),
        [("severity must be one of info, warn, page, not 'pager'", "did you mean 'page'?")],
    ),
    "limit": (spread("above: 1}\n        limit: ¦1.5\n"), [("limit must be a whole number", "")]),
    "infinite limit": (spread("above: 1}\n        limit: ¦1e999\n"), [("limit must be a number", "")]),
    "text for a number": (spread("above: ¦'15'}\n"), [("above must be a number, not '15'", "")]),
    "no threshold": (
        _rule("        threshold: ¦{table: quotes, value: avg(bid), over: 1m, by: [venue]}\n"),
        [("the threshold is missing", "above: 15")],
    ),
    "hysteresis without its edge": (spread("above: 1, clear_above: ¦2}\n"), [("clear_above needs `below`", "")]),
    "hysteresis on the wrong side": (
        spread("above: 1, clear_below: ¦2}\n"),
        [("clear_below lies on the wrong side of above", "")],
    ),
    "unknown table": (
        _rule("        threshold: {table: ¦quots, value: avg(bid), over: 1m, above: 1}\n"),
        [("unknown table 'quots'", "did you mean 'quotes'?")],
    ),
    "no table name": (
        _rule("        threshold: {table: ¦'a b', value: avg(bid), over: 1m, above: 1}\n"),
        [("is no table name", "use `sql`")],
    ),
    "unknown column in by": (
        spread("by: [venue, ¦symbl], above: 1}\n"),
        [("unknown column 'symbl'", "did you mean 'symbol'?")],
    ),
    "unknown column in a value": (
        _rule("        threshold: {table: quotes, value: avg(ask - ¦bidd), over: 1m, above: 1}\n"),
        [("unknown column 'bidd'", "did you mean 'bid'?")],
    ),
    "unknown column in where": (
        spread("above: 1, where: \"venue = 'okx' AND ¦syms = 'x'\"}\n"),
        [("unknown column 'syms'", "")],
    ),
    "a number is no label": (
        spread("by: [¦bid], above: 1}\n"),
        [("'bid' is a DOUBLE, and a label is a text", "venue")],
    ),
    "a label is reserved": (
        _rule("        absent: {table: alert_events, over: 1m, expect: [{¦alertname: A}]}\n"),
        [("'alertname' cannot be a label", "")],
    ),
    "a column twice": (spread("by: [venue, ¦venue], above: 1}\n"), [("'venue' is given twice", "")]),
    "by is a text": (spread("by: ¦venue, above: 1}\n"), [("by must be a list, not 'venue'", "[venue, symbol]")]),
    "stale by nothing": (
        _rule("        stale: {table: quotes, by: ¦[], older_than: 5s, forget_after: 1h}\n"),
        [("`by` names no column", "[venue, symbol]")],
    ),
    "stale forgets too soon": (
        _rule("        stale: {table: quotes, by: [venue], older_than: 5s, forget_after: ¦5s}\n"),
        [("forget_after must be longer", "raise forget_after")],
    ),
    "expected keys differ": (
        _rule("        absent: {table: quotes, over: 1m, expect: [{venue: a}, ¦{symbol: b}]}\n"),
        [("every entry of expect needs the same columns", "venue")],
    ),
    "an expected key of nothing": (
        _rule("        absent: {table: quotes, over: 1m, expect: [¦{}]}\n"),
        [("names no column", "")],
    ),
    "no_data of another kind": (
        _rule("        no_data: ¦ok\n        absent: {table: quotes, over: 1m}\n"),
        [("cannot see that there is no data", "drop")],
    ),
    "condition beside a threshold": (
        spread("above: 1}\n        above: ¦2\n"),
        [("belongs to `sql` rules", "put it inside `threshold`")],
    ),
    "reserved label": (
        spread("above: 1}\n        labels: {¦severity: high}\n"),
        [("the label 'severity' is set by the rule itself", "`severity:`")],
    ),
    "label name": (spread("above: 1}\n        labels: {¦my label: x}\n"), [("'my label' is no label name", "")]),
    "template syntax": (
        _summary("{{ venue ", "threshold: {table: quotes, value: avg(bid), over: 1m, above: 1}"),
        [("summary: not a template", "{{ venue }}")],
    ),
    "template filter": (
        _summary("{{ value | durration }}", "threshold: {table: quotes, value: avg(bid), over: 1m, above: 1}"),
        [("durration", "")],
    ),
    "template name": (
        _summary("{{ venu }}", "threshold: {table: quotes, value: avg(bid), over: 1m, by: [venue], above: 1}"),
        [("this rule has no 'venu'", "did you mean 'venue'?")],
    ),
    "template name of a query": (
        _summary(
            "{{ valu }}",
            "over: 1m\n        sql: SELECT venue, bid AS value FROM quotes WHERE ts > :start AND ts <= :now",
        ),
        [("this rule has no 'valu'", "did you mean 'value'?")],
    ),
    "no query": (query("¦DROP TABLE quotes\n"), [("this is no query", "SELECT")]),
    "unbound": (query("¦SELECT venue FROM quotes\n"), [("not bounded by :now", "ts > :start")]),
    "the server's clock": (
        query("|\n          SELECT venue FROM quotes\n          WHERE ts > :start AND ts <= :now AND ts < ¦now()\n"),
        [("now() reads the server's clock", "use :now")],
    ),
    "a tick of the server's clock": (
        query("SELECT venue FROM quotes WHERE ts > :start AND ts <= :now AND ts IN ¦'$today'\n"),
        [("$today reads the server's clock", "")],
    ),
    "chance": (
        query("SELECT ¦rnd_int() FROM quotes WHERE ts > :start AND ts <= :now\n"),
        [("another answer each time", "")],
    ),
    "unknown parameter": (
        query("SELECT venue FROM quotes WHERE ts > :start AND ts <= :now AND ts > ¦:begin\n"),
        [("unknown parameter :begin", ":now and :start")],
    ),
    "start without over": (
        _rule("        sql: SELECT venue FROM quotes WHERE ts > ¦:start AND ts <= :now\n"),
        [(":start needs `over`", "over: 10m")],
    ),
    "two statements": (
        query("SELECT venue FROM quotes WHERE ts > :start AND ts <= :now¦; DROP TABLE x\n"),
        [("ends the statement", "")],
    ),
    "table of a query": (
        query("SELECT venue FROM ¦qoutes WHERE ts > :start AND ts <= :now\n"),
        [("unknown table 'qoutes'", "did you mean 'quotes'?")],
    ),
    "column of a query": (
        query(
            ">-\n          SELECT venue,\n            sum(¦bit) AS value\n"
            "          FROM quotes WHERE ts > :start AND ts <= :now\n"
        ),
        [("unknown column 'bit'", "did you mean 'bid'?")],
    ),
    "column behind a quote": (
        query("'SELECT venue FROM quotes WHERE ts > :start AND ts <= :now AND venue = ''okx'' AND ¦sise > 1'\n"),
        [("unknown column 'sise'", "")],
    ),
    "open parenthesis": (
        _rule("        threshold: {table: quotes, value: 'avg¦(bid', over: 1m, above: 1}\n"),
        [("this `(` is never closed", "")],
    ),
    "a way out of the fragment": (
        spread("above: 1, where: \"venue = 'a'¦) OR (venue = 'b'\"}\n"),
        [("this `)` closes nothing", "")],
    ),
    "open quote": (spread('above: 1, where: "venue = ¦\'a"}\n'), [("this ' is never closed", "")]),
    "a comment in a fragment": (
        spread("above: 1, where: \"venue = 'a' ¦-- only okx\"}\n"),
        [("a SQL comment hides what follows", "comment in the YAML")],
    ),
    "a text with a comma in a flow": (
        _rule("        stale: {table: quotes, by: [venue], where: symbol IN ('a', 'b'¦), older_than: 5s}\n"),
        [("not YAML", "needs quotes")],
    ),
    "levels beside a threshold": (
        spread("¦above: 1, page: {above: 2}}\n").replace("¦above: 1", "above: ¦1"),
        [("'above' beside page", "put it into `page:`")],
    ),
    "levels beside a severity": (
        spread("page: {above: 2}}\n        severity: ¦warn\n"),
        [("severity beside page", "drop `severity`")],
    ),
    "levels in the wrong order": (
        spread("warn: {above: 5}, page: ¦{above: 2}}\n"),
        [("page begins no further above than warn", "what is worse")],
    ),
    "levels of two sides": (
        spread("warn: {above: 5}, page: ¦{below: 2}}\n"),
        [("page begins no further below than warn", "")],
    ),
    "a level that says nothing": (spread("warn: {above: 5}, page: ¦{}}\n"), [("page says no threshold", "add")]),
    "a level is a number": (
        spread("warn: {above: 5}, page: ¦5}\n"),
        [("page must be a mapping, not the number 5", "")],
    ),
    "hysteresis of a level": (
        spread("warn: {above: 5, clear_below: ¦6}}\n"),
        [("clear_below lies on the wrong side of above", "")],
    ),
    "levels beside the rule": (
        spread("above: 1}\n        page: ¦{above: 2}\n"),
        [("'page' beside the rule belongs to `sql` rules", "put it inside `threshold`")],
    ),
    "a baseline of no whole windows": (
        _spike("over: 1m, baseline: ¦90s, above: 2"),
        [("baseline must be a multiple of over", "two of them or more")],
    ),
    "a baseline of one window": (_spike("over: 1m, baseline: ¦1m, above: 2"), [("baseline must be", "")]),
    "more samples than there are": (
        _spike("over: 1m, baseline: 5m, min_samples: ¦6, above: 2"),
        [("min_samples must be from 2 to 5", "")],
    ),
    "one sample": (_spike("over: 1m, baseline: 5m, min_samples: ¦1, above: 2"), [("min_samples must be", "")]),
    "a floor of nothing": (_spike("over: 1m, baseline: 5m, floor: ¦0, above: 2"), [("floor must be above 0", "")]),
    "a spike of nothing": (
        _rule("        spike: ¦{table: quotes, value: avg(bid), over: 1m, baseline: 5m}\n"),
        [("the threshold is missing", "")],
    ),
    "how a spike compares": (
        _spike("over: 1m, baseline: 5m, compare: ¦zscor, above: 2"),
        [("compare must be one of ratio, zscore", "did you mean 'zscore'?")],
    ),
    "a change of nothing": (
        _rule("        change: {table: instruments, value: tick, over: 1m, by: ¦[]}\n"),
        [("`by` names no column", "")],
    ),
    "a change's value has no name": (
        _summary("{{ value }}", "change: {table: instruments, value: tick, over: 1m, by: [venue]}"),
        [("this rule has no 'value'", "")],
    ),
    "both sides are one": (
        _mismatch("left: {table: quotes, value: avg(bid)}, right: ¦{table: quotes, value: avg(bid)}"),
        [("both sides are the same", "where")],
    ),
    "a side without a value": (
        _mismatch("left: ¦{table: quotes}, right: {table: quotes, value: avg(bid)}"),
        [("left has no 'value'", "")],
    ),
    "a column of a side": (
        _mismatch("left: {table: quotes, value: avg(¦bit)}, right: {table: feeds, value: avg(¦bid)}"),
        [("unknown column 'bit'", "did you mean 'bid'?"), ("unknown column 'bid'", "")],
    ),
    "a table of a side": (
        _mismatch("left: {table: ¦quots, value: avg(bid)}, right: {table: quotes, value: avg(bid)}"),
        [("unknown table 'quots'", "")],
    ),
    "no matcher": (
        _rule("        alerts: {match: [¦'alertname']}\n"),
        [("match: 'alertname'", 'severity = "page"')],
    ),
    "no matcher at all": (_rule("        alerts: {match: ¦[]}\n"), [("every alert would be counted", "BookStale")]),
    "a matcher is a text": (_rule("        alerts: {match: ¦a=b}\n"), [("must be a list of matchers", "match: [")]),
    "a regular expression": (_rule("        alerts: {match: [¦'a =~ \"(\"']}\n"), [("match:", "regular expression")]),
    "at least none": (_rule("        alerts: {match: [a=b], at_least: ¦0}\n"), [("at_least must be 1 or more", "")]),
    "a count that clears at once": (
        _rule("        alerts: {match: [a=b], at_least: 2, clear_below: ¦3}\n"),
        [("clear_below lies above at_least", "")],
    ),
    "an offset of no query": (
        _rule("        offset: ¦5s\n        alerts: {match: [a=b]}\n"),
        [("an alerts rule asks no query", "")],
    ),
    "a recording that pages": (
        _rules("      - record: r\n        ¦severity: page\n        sql: SELECT venue FROM quotes WHERE ts IN :now\n"),
        [("unknown key 'severity' in a recording rule", "")],
    ),
    "a recording of no query": (
        _rules("      - ¦record: r\n        over: 1m\n"),
        [("a recording rule has no 'sql'", "")],
    ),
    "a label that varies": (
        spread("above: 1}\n        labels: {level: ¦'{{ value }}'}\n"),
        [("this label changes with 'value'", "summary")],
    ),
    "a label's template": (
        spread("above: 1, by: [venue]}\n        labels: {desk: ¦'{{ venu }}'}\n"),
        [("label: this rule has no 'venu'", "did you mean 'venue'?")],
    ),
    "a label's syntax": (
        spread("above: 1}\n        labels: {desk: ¦'{{ venue'}\n"),
        [("label: not a template", "{{ venue }}")],
    ),
    "a text and a number": (
        spread('above: 1, where: "¦venue > 5"}\n'),
        [("'venue' is a SYMBOL, and is compared with a number", "quote")],
    ),
    "a sum of texts": (
        _rule("        threshold: {table: quotes, value: avg(¦symbol), over: 1m, above: 1}\n"),
        [("avg of 'symbol'", "count()")],
    ),
    "no lower bound": (
        query("SELECT venue FROM ¦quotes WHERE ts <= :now\n"),
        [("every row ever stored", "ts > :start")],
    ),
}
