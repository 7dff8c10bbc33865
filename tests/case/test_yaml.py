"""What a case file's text means, and which texts are none."""

from __future__ import annotations

import copy
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from sisyphus.case import _events
from sisyphus.case.yaml import Map, Seq, read, read_file, scalar
from sisyphus.errors import CaseFileError, Mark

if TYPE_CHECKING:
    from pathlib import Path


def problems_of(data: bytes | str) -> list[str]:
    with pytest.raises(CaseFileError) as caught:
        read(data, file="t.yaml")
    return [str(problem) for problem in caught.value.problems]


def value_of(text: str) -> Any:
    return read(f"key: {text}\n", file="t.yaml")["key"]


@pytest.fixture
def _without_libyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml._yaml", None)


class TestTypes:
    @pytest.mark.parametrize("text", ["null", "Null", "NULL", "~", ""])
    def test_null_is_written_as_null_or_tilde_or_nothing(self, text: str) -> None:
        assert scalar(text) is None
        assert value_of(text) is None

    @pytest.mark.parametrize(("text", "value"), [("true", True), ("True", True), ("FALSE", False), ("fAlSe", False)])
    def test_booleans_are_true_and_false_in_any_case(self, text: str, *, value: bool) -> None:
        assert scalar(text) is value

    @pytest.mark.parametrize(
        ("text", "value"), [("0", 0), ("-0", 0), ("7", 7), ("-12", -12), ("13800000000", 13800000000)]
    )
    def test_integers_are_those_of_json(self, text: str, value: int) -> None:
        assert scalar(text) == value
        assert type(scalar(text)) is int

    @pytest.mark.parametrize(
        ("text", "value"), [("1.5", 1.5), ("-0.5", -0.5), ("1e3", 1000.0), ("2E-2", 0.02), ("1.0", 1.0)]
    )
    def test_floats_are_those_of_json(self, text: str, value: float) -> None:
        assert scalar(text) == value
        assert type(scalar(text)) is float

    @pytest.mark.parametrize(
        "text",
        [
            *("no", "yes", "on", "off", "y", "n", "None", "nil", "TRUE!", "nullable", "truefalse", "~x"),
            *(
                "012",
                "0o7",
                "0x10",
                "0b1",
                "1_000",
                "+1",
                ".5",
                "5.",
                "1e",
                "e3",
                "1.e3",
                "-",
                "--1",
                "- 1",
                "1 2",
                "１２",
            ),
            *("2024-01-01", "12:30:00", "2024-01-01T00:00:00Z", "1.2.3", "127.0.0.1", ".inf", "-.inf", ".nan", "NaN"),
        ],
    )
    def test_everything_else_is_text(self, text: str) -> None:
        assert scalar(text) == text

    @pytest.mark.parametrize("text", ["9" * 641, "-" + "9" * 5_000_000, "1e999", "-1e999", "0." + "3" * 1000])
    def test_a_number_nobody_can_count_with_stays_text(self, text: str) -> None:
        assert scalar(text) == text

    def test_the_longest_number_can_be_written_again(self) -> None:
        assert json.dumps(scalar("9" * 640)) == "9" * 640

    @pytest.mark.parametrize(
        "text",
        ['"200"', "'200'", "|-\n  200", ">-\n  200", '"\\u0032\\x300"'],
        ids=["double", "single", "|", ">", "escape"],
    )
    def test_whatever_is_quoted_or_a_block_is_text(self, text: str) -> None:
        assert value_of(text) == "200"

    def test_quoted_nothing_is_empty_text(self) -> None:
        assert read("a: ''\nb: \"\"\nc: |\nd:\n", file="t.yaml") == {"a": "", "b": "", "c": "", "d": None}

    def test_types_hold_inside_of_flow_style(self) -> None:
        assert value_of('[1, "1", no, {a: true, b: null, c, d: "x: y"}]') == [
            *(1, "1", "no"),
            {"a": True, "b": None, "c": None, "d": "x: y"},
        ]

    def test_json_is_read_as_json(self) -> None:
        document = {"a": [1, 2.5, 'x\n\t"y"', None, True, {"中": []}], "b": {}}
        assert read(json.dumps(document, indent=2, ensure_ascii=False), file="t.json") == document

    def test_keys_are_always_text(self) -> None:
        case = read("200: a\ntrue: b\n~: c\n1.5: d\n'x y': e\n? f\n", file="t.yaml")
        assert case == {"200": "a", "true": "b", "~": "c", "1.5": "d", "x y": "e", "f": None}


class TestPositions:
    def test_a_mapping_knows_where_it_its_keys_and_their_values_stand(self) -> None:
        case = read("name: x\nconfig:\n  url:  y\n  用户: {a: 1}\n", file="t.yaml")
        config = case["config"]
        assert case.mark == Mark("t.yaml", 1, 1)
        assert config.mark == Mark("t.yaml", 3, 3)
        assert config.key_mark("url") == Mark("t.yaml", 3, 3)
        assert config.value_mark("url") == Mark("t.yaml", 3, 9)
        assert config["用户"].key_mark("a") == Mark("t.yaml", 4, 8)
        assert config.marks == {"url": (3, 3, 3, 9), "用户": (4, 3, 4, 7)}

    def test_a_list_knows_where_its_items_stand(self) -> None:
        steps = read("steps:\n  - a\n  -  b: 1\n  - [c, d]\n", file="t.yaml")["steps"]
        assert steps.mark == Mark("t.yaml", 2, 3)
        assert [str(steps.item_mark(i)) for i in range(3)] == ["t.yaml:2:5", "t.yaml:3:6", "t.yaml:4:5"]
        assert steps.item_mark(-1) == steps.item_mark(2)
        assert steps[2].item_mark(1) == Mark("t.yaml", 4, 9)

    def test_what_the_file_does_not_have_stands_where_its_collection_begins(self) -> None:
        case = read("a:\n  - 1\n", file="t.yaml")
        assert case.key_mark("b") == case.value_mark("b") == case.mark
        assert case["a"].item_mark(1) == case["a"].item_mark(-2) == case["a"].mark

    def test_columns_count_characters_after_the_byte_order_mark(self) -> None:
        case = read("\ufeff😀: 中文\n".encode(), file="t.yaml")
        assert case.value_mark("😀") == Mark("t.yaml", 1, 4)

    def test_windows_line_ends_count_once(self) -> None:
        case = read(b"a: |\r\n  x\r\n  y\r\nb: 1\r\n", file="t.yaml")
        assert case == {"a": "x\ny\n", "b": 1}
        assert case.key_mark("b").line == 4

    def test_to_others_they_are_a_plain_dict_and_list(self) -> None:
        case = read("a: [1, {b: c}]\n", file="t.yaml")
        assert isinstance(case, Map)
        assert isinstance(case["a"], Seq)
        assert json.dumps(case) == '{"a": [1, {"b": "c"}]}'
        assert case == {"a": [1, {"b": "c"}]}
        assert copy.deepcopy(case)["a"][1].key_mark("b") == Mark("t.yaml", 1, 9)


class TestStrictRules:
    def test_a_duplicate_key_names_both_lines(self) -> None:
        assert problems_of("a: 1\nb: 2\n'a': 3\n") == [
            "t.yaml:3:1: the key 'a' stands twice, on line 1 and on line 3 (keep one of them)"
        ]
        assert problems_of("x: {a: 1, a: 2}\n") == [
            "t.yaml:1:11: the key 'a' stands twice on line 1 (keep one of them)"
        ]

    def test_the_same_key_may_stand_in_different_mappings(self) -> None:
        assert read("a: {b: 1}\nb: {a: 2}\n", file="t.yaml") == {"a": {"b": 1}, "b": {"a": 2}}

    @pytest.mark.parametrize(
        ("text", "at", "what"),
        [
            ("a: &x 1\n", "1:4", "the anchor '&x'"),
            ("a: &x\n  b: 1\n", "1:4", "the anchor '&x'"),
            ("a: &x [1]\n", "1:4", "the anchor '&x'"),
            ("&x a: 1\n", "1:1", "the anchor '&x'"),
            ("a: *x\n", "1:4", "the alias '*x'"),
            ("- *x\n", "1:3", "the alias '*x'"),
            ("*x : 1\n", "1:1", "the alias '*x'"),
            ("a: !!str 1\n", "1:4", "the tag '!!str'"),
            ("a: !mine {b: 1}\n", "1:4", "the tag '!mine'"),
            ("a: ! 1\n", "1:4", "the tag '!'"),
            ("!t a: 1\n", "1:1", "the tag '!t'"),
            ("a: !e!t 1\n", "1:4", "the tag '!e!t'"),
            ("<<: {a: 1}\n", "1:1", "the merge key '<<'"),
            ("a: {<<: [b]}\n", "1:5", "the merge key '<<'"),
            ("[a]: 1\n", "1:1", "a key has to be text"),
            ("? - a\n: 1\n", "1:3", "a key has to be text"),
            ("a: {{b: 1}: 2}\n", "1:4", "without quotes, {{ … }}"),
            ("a: {[b]: 2}\n", "1:5", "a key has to be text"),
        ],
    )
    def test_what_makes_yaml_surprising_is_refused(self, text: str, at: str, what: str) -> None:
        assert problems_of(text)[0].startswith(f"t.yaml:{at}: {what}")

    def test_a_quoted_merge_key_is_a_key(self) -> None:
        assert read("'<<': 1\n", file="t.yaml") == {"<<": 1}

    def test_an_anchor_with_a_tag_is_two_problems(self) -> None:
        assert [problem.split(": ")[1].split(" is")[0] for problem in problems_of("a: &x !!str 1\n")] == [
            *("the anchor '&x'", "the tag '!!str'")
        ]

    def test_all_violations_are_told_at_once_and_the_syntax_error_after_them(self) -> None:
        told = problems_of("a: &x 1\na: 2\nb: !t 3\n<<: 4\nc: [5]: 6\nd: 'x\n")
        assert [problem.split(":")[1] for problem in told] == ["1", "2", "3", "4", "5"]

    def test_a_syntax_error_on_a_line_with_a_violation_is_not_told_twice(self) -> None:
        assert len(problems_of("url: {{ base }}/x\n")) == 1
        assert len(problems_of("a: *x y\n")) == 1

    def test_a_file_has_one_document(self) -> None:
        assert read("---\na: 1\n...\n", file="t.yaml") == {"a": 1}
        assert problems_of("a: 1\n---\nb: &x 2\n")[0].startswith("t.yaml:2:1: a second document begins here")

    @pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "\ufeff", "---\n", "~\n"])
    def test_a_file_with_nothing_in_it_is_told_as_such(self, text: str) -> None:
        assert problems_of(text) == ["t.yaml:1:1: there is nothing in this file (a case begins with 'name: …')"]

    def test_the_root_is_a_mapping(self) -> None:
        assert problems_of("# c\n- a\n") == [
            "t.yaml:2:1: a case file is a mapping, and this is a list (begin with 'name: …' and put the list under 'steps:')"
        ]
        assert problems_of("just text\n")[0].startswith(
            "t.yaml:1:1: a case file is a mapping, and this is a single value"
        )
        assert problems_of("name:x\n") == [
            "t.yaml:1:1: there is no space after the colon of 'name' (write 'name: value')"
        ]


class TestTabs:
    @pytest.mark.parametrize(
        ("text", "at"),
        [
            ("a:\n\tb: 1\n", "2:1"),
            ("a:\t1\n", "1:3"),
            ("a: 1\t\n", "1:5"),
            ("a: x\ty\n", "1:5"),
            ("a: x#y\tz\n", "1:7"),
            ("a: {\n\tb: 1}\n", "2:1"),
            ("a: |\t\n  x\n", "1:5"),
            ("a: 'x'\t# c\n", "1:7"),
            ("a: 'x'\r\nb: 1\t\r\n", "2:5"),
        ],
    )
    def test_a_tab_does_not_separate(self, text: str, at: str) -> None:
        (problem,) = problems_of(text)
        assert problem.startswith(f"t.yaml:{at}: a tab where YAML wants spaces (indent and separate with spaces;")

    def test_tabs_may_stand_in_literal_text_and_comments(self) -> None:
        text = "a: 'x\ty'\nb: \"x\ty\"\nc: |  # c\tc\n  x\ty\nd: z #\tc\n# \tc\n"
        assert read(text, file="t.yaml") == {"a": "x\ty", "b": "x\ty", "c": "x\ty\n", "d": "z"}

    def test_windows_line_ends_do_not_shift_what_is_literal(self) -> None:
        lines = [f"k{number}: 1\r\n" for number in range(20)]
        assert read("".join(lines) + "z: 'x\ty'\r\n", file="t.yaml")["z"] == "x\ty"

    def test_every_line_with_one_is_told(self) -> None:
        assert len(problems_of("a:\t1\nb: 'x\t'\nc:\t\t2\n")) == 2


class TestBytes:
    def test_what_is_not_utf_8_is_told_with_its_place(self) -> None:
        assert problems_of(b"a: 1\n\xe4\xb8\xad: \xff\n") == [
            "t.yaml:2:4: the byte 0xff is not UTF-8 (save the file as UTF-8)"
        ]

    def test_gbk_is_recognised(self) -> None:
        assert problems_of("name: 登录\n".encode("gbk")) == [
            "t.yaml:1:7: the byte 0xb5 is not UTF-8 (this looks like GBK: save the file as UTF-8)"
        ]

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
    def test_utf_16_is_recognised(self, encoding: str) -> None:
        data = "\ufeffname: x\n".encode(encoding) if encoding != "utf-16" else "name: x\n".encode(encoding)
        assert problems_of(data) == ["t.yaml:1:1: this file is UTF-16, not UTF-8 (save it as UTF-8)"]

    @pytest.mark.parametrize("char", ["\0", "\x07", "\x1b", "\x7f", "\x85", "\u2028", "\u2029", "\ufeff", "\uffff"])
    def test_invisible_characters_are_told_with_their_place(self, char: str) -> None:
        (problem,) = problems_of(f"a: 1\nb: '中{char}'\n")
        assert problem.startswith(f"t.yaml:2:6: the invisible character U+{ord(char):04X} may not stand here")
        assert f'write it as "\\u{ord(char):04x}" in double quotes' in problem

    def test_what_the_hint_says_is_accepted(self) -> None:
        assert value_of('"\\u0000\\u2028\\ufeff"') == "\0\u2028\ufeff"

    def test_a_lone_surrogate_is_told(self) -> None:
        assert problems_of("a: \ud83d\n") == ["t.yaml:1:4: half a character (U+D83D) (write the whole character)"]

    def test_of_a_binary_file_only_the_first_characters_are_told(self) -> None:
        assert len(problems_of(b"\0\1\2" * 1000)) == 20


class TestLimits:
    def test_64_levels_are_read(self) -> None:
        inner: Any = read("a: " + "[" * 63 + "]" * 63 + "\n", file="t.yaml")["a"]
        for _ in range(62):
            (inner,) = inner
        assert inner == []

    def test_the_65th_is_refused_where_it_begins(self) -> None:
        told = problems_of("a: 1\na: " + "[" * 64 + "]" * 64 + "\n")
        assert told[-1].startswith("t.yaml:2:67: nested deeper than 64 levels (")

    def test_absurd_nesting_is_refused_at_once(self) -> None:
        assert "deeper" in problems_of("a: " + "[" * 1_000_000)[0]
        assert "deeper" in problems_of("{a: " * 1_000_000)[0]

    def test_more_than_16_mib_are_refused(self) -> None:
        text = "a: 1\n#"
        limit = 16 * 1024 * 1024
        assert read(text + "x" * (limit - len(text)), file="t.yaml") == {"a": 1}
        assert problems_of(text + "x" * (limit - len(text) + 1)) == [
            "t.yaml:1:1: more than 16 MiB, with what it includes (split the case, or keep its data in a data_source)"
        ]

    def test_the_limit_counts_bytes(self) -> None:
        assert "16 MiB" in problems_of("#" + "中" * (6 * 1024 * 1024))[0]


class TestFiles:
    def test_a_file_is_shown_as_it_was_named(self, tmp_path: Path) -> None:
        path = tmp_path / "a.yaml"
        path.write_text("a: 1\n")
        assert read_file(path).mark.file == str(path)
        assert read_file(path, shown="cases/a.yaml").mark.file == "cases/a.yaml"

    def test_a_missing_file_is_a_problem(self, tmp_path: Path) -> None:
        with pytest.raises(CaseFileError, match=r"^no\.yaml:1:1: there is no such file \(check the path\)$"):
            read_file(tmp_path / "no.yaml", shown="no.yaml")

    def test_a_folder_is_a_problem(self, tmp_path: Path) -> None:
        with pytest.raises(CaseFileError, match="this is not a file"):
            read_file(tmp_path)

    def test_what_the_system_refuses_is_a_problem(self, tmp_path: Path) -> None:
        (tmp_path / "loop").symlink_to("loop")
        with pytest.raises(CaseFileError, match=r"cannot be read: .*symbolic links"):
            read_file(tmp_path / "loop")

    def test_a_huge_file_is_not_read_to_its_end(self, tmp_path: Path) -> None:
        path = tmp_path / "huge.yaml"
        with path.open("wb") as stream:
            stream.truncate(1 << 40)
        with pytest.raises(CaseFileError, match="more than 16 MiB"):
            read_file(path)


@pytest.mark.usefixtures("_without_libyaml")
class TestWithoutLibyaml:
    def test_the_python_parser_takes_over(self) -> None:
        assert _events._parser() is _events._PythonParser
        case = read("a: {b: [1, '2']}\nc: |\n  x\n", file="t.yaml")
        assert case == {"a": {"b": [1, "2"]}, "c": "x\n"}
        assert case["a"]["b"].item_mark(1) == Mark("t.yaml", 1, 12)

    def test_the_strict_rules_hold(self) -> None:
        assert [problem.split(" is")[0] for problem in problems_of("a: &x 1\na: *x\n<<: 1\n")] == [
            *(
                "t.yaml:1:4: the anchor '&x'",
                "t.yaml:2:1: the key 'a' stands twice, on line 1 and on line 2 (keep one of them)",
            ),
            *("t.yaml:2:4: the alias '*x'", "t.yaml:3:1: the merge key '<<'"),
        ]

    def test_half_characters_are_refused_as_libyaml_refuses_them(self) -> None:
        assert "'\\ud83d' is half a character" in problems_of('a: "\\ud83d"\n')[0]
        assert "'\\ud83d' is half a character" in problems_of('a: "x\n  \\ud83d"\n')[0]

    @pytest.mark.parametrize(
        "text", ["a:\t1\n", "a: 'x\n", "a: @x\n", "a: {b: ${c}}\n", "a:\n  b: 1\n c: 2\n", 'a: "\\d"\n']
    )
    def test_mistakes_are_told_in_the_same_words(self, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
        without = problems_of(text)
        monkeypatch.undo()
        assert [p.split(" ", 1)[1] for p in without] == [p.split(" ", 1)[1] for p in problems_of(text)]
