package trigger

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"lockstep/bot"
)

// parsed returns the commands of a comment, each as "verb text", or "? near text".
func parsed(body string) string {
	commands, more := ParseComment(body, "lockstep-bot")
	var all []string
	for _, s := range commands {
		verb := string(s.Verb)
		if verb == "" {
			verb = "?" + string(s.Near)
		}
		all = append(all, strings.TrimSpace(verb+" "+s.Text))
	}
	if more {
		all = append(all, "more")
	}
	return strings.Join(all, "; ")
}

func TestParseComment(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, body, want string }{
		{"alone", "/promote", "promote"},
		{"with arguments", "/promote release 2026.11.3", "promote release 2026.11.3"},
		{"the form that always works", "/lockstep promote release", "promote release"},
		{"to the bot", "@lockstep-bot promote release", "promote release"},
		{"to the bot, as people write", "@Lockstep-Bot: why kv", "why kv"},
		{"to the bot with a comma", "@lockstep-bot, hold", "hold"},
		{"capitals", "/LockStep ROLLBACK Now", "rollback Now"},
		{"among text", "Looks wrong to me.\n/rollback wrong data\nSorry!", "rollback wrong data"},
		{"several", "/hold\r\n/why kv\r\n/lockstep queue", "hold; why kv; queue"},
		{"old line ends", "/hold\r/queue", "hold; queue"},
		{"three spaces before", "   /hold", "hold"},
		{"four spaces before", "    /hold", ""},
		{"a tab before", "\t/hold", ""},
		{"a space and a tab before", " \t/hold", ""},
		{"spaces that are none", "\u200f/hold\n\u200b/hold\n\ufeff/hold", ""},
		{"a hard space between", "/hold\u00a0for\u2003now", "hold for now"},
		{"inside of a line", "please /hold", ""},
		{"in a list", "- /hold\n1. /hold", ""},
		{"a longer word", "/holding\n/hold,\n/hold/it", ""},
		{"twice a slash", "//hold", ""},
		{"escaped", `\/hold`, ""},
		{"of GitLab", "/label ~bug\n/assign @ana\n/close", ""},
		{"a path", "/usr/bin/true", ""},
		{"unknown, bare", "/promot release", ""},
		{"unknown", "/lockstep promot release", "?promote release"},
		{"unknown and far", "/lockstep deploy", "?"},
		{"unknown, to the bot", "@lockstep-bot rolback", "?rollback"},
		{"talk about the bot", "@lockstep-bot has done it\n@lockstep-bot\n@lockstep-bot!", ""},
		{"somebody else", "@ana promote\n@lockstep promote\n@lockstep-bot2 promote", ""},
		{"nothing behind", "/lockstep", "help"},
		{"nothing at all", "", ""},

		{"fenced", "```\n/hold\n```\n/queue", "queue"},
		{"fenced with tildes", "~~~ sh\n/hold\n```\n/hold\n~~~~\n/queue", "queue"},
		{"fenced by more", "````\n/hold\n```\n/hold\n````\n/queue", "queue"},
		{"fenced, not closed", "/queue\n```\n/hold\n\n/hold", "queue"},
		{"a fence that is inline code", "```/hold```\n/queue", "queue"},
		{"a fence in a list", "- ```\n  /hold\n  ```\n\n/queue", "queue"},
		{"a fence in a list, further in", "10. ```\n    /hold\n    ```\n/queue", "queue"},
		{"an end that is indented too far", "```\n    ```\n/hold\n```", ""},
		{"indented code", "text\n\n    /hold\n\n\t/hold", ""},
		{"inline code", "`/hold`\n`` /hold ``", ""},
		{"inline code over lines", "so `a\n/hold\nb` and\n/queue", "queue"},
		{"a backtick by itself", "don`t\n/hold", "hold"},
		{"backticks that do not match", "`` a\n/hold\n`", "hold"},
		{"inline code ends with its paragraph", "`a\n\n/hold\n\nb`", "hold"},
		{"inline code ends with a list item", "- `a\n- /hold\n/hold b`", "hold b`"},
		{"inline code with an indented line", "`a\n     b\n/hold\nc`", ""},
		{"code in a reason", "/hold because of `kv`", "hold because of `kv`"},

		{"quoted", "> /hold\n   > /hold\n>/hold\n/queue", "queue"},
		{"quoted in lines", ">>>\n/hold\n\n/hold\n>>>\n/queue", "queue"},
		{"quoted in lines, not closed", "/queue\n>>>\n/hold", "queue"},
		{"below a quote", "> it is wrong\n/rollback", "rollback"},
		{"hidden", "<!-- /hold -->\n<!--\n/hold\n\n/hold -->/hold\n/queue", "queue"},
		{"hidden, not closed", "<!--\n/hold", ""},
		{"hidden within a line", "so <!-- a\n/hold\n--> b\n/queue <!-- c --> d", "queue d"},
		{"HTML", "<pre>\n/hold\n\n/hold\n</pre>\n/queue", "queue"},
		{"HTML in capitals", "<PRE class=x>\n/hold\n</Pre>\n/queue", "queue"},
		{"details", "<details><summary>log</summary>\n\n/hold\n\n</details>\n\n/queue", "queue"},
		{"an element", "<div>\n/hold\n</div>\n\n/queue", "queue"},
		{"no element", "<https://example.com>\n/queue\n\na < b\n/hold", "queue; hold"},

		{"quotes in a reason", `/cancel it is "bad"`, `cancel it is "bad"`},
		{"control characters", "/hold a\x00b\x1b[31m\u202ec\u2028d\u0007", "hold ab[31mc d"},
		{"broken UTF-8", "/hold a\xffb\xc3", "hold ab"},
		{"too many", strings.Repeat("/queue\n", 12), strings.Repeat("queue; ", 10) + "more"},
		{"ten", strings.Repeat("/queue\n", 10), strings.TrimSuffix(strings.Repeat("queue; ", 10), "; ")},
		{"too long", strings.Repeat("/queue\n", maxComment/7+1), ""},
		{"much too long", "/queue\n" + strings.Repeat("x", 10<<20), ""},
	}
	for _, test := range tests {
		if got := parsed(test.body); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestParseCommentWithoutAName(t *testing.T) {
	t.Parallel()
	if got, _ := ParseComment("@ promote\n@: promote", ""); len(got) != 0 {
		t.Errorf("got %+v, want nothing", got)
	}
}

func TestArguments(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		want []string
	}{
		{"", nil},
		{"a", []string{"a"}},
		{"a  b", []string{"a", "b"}},
		{`"a b" c`, []string{"a b", "c"}},
		{`"a" "b"`, []string{"a", "b"}},
		{`""`, []string{""}},
		{`a"b c"`, []string{`a"b`, `c"`}},
		{`"a b`, []string{`"a`, "b"}},
		{`"a"b c"`, []string{`a"b c`}},
		{"a b c d e f", []string{"a", "b", "c"}},
	}
	for _, test := range tests {
		if got := arguments(test.text, 2); !slices.Equal(got, test.want) {
			t.Errorf("%q: got %q, want %q", test.text, got, test.want)
		}
	}
	for text, want := range map[string]string{
		`"wrong data"`: "wrong data", `"a" b`: `"a" b`, " a ": "a", strings.Repeat("ä", 600): strings.Repeat("ä", 500),
	} {
		if got := reason(text); got != want {
			t.Errorf("reason %.20q: got %.20q, want %.20q", text, got, want)
		}
	}
}

// FuzzComment: whatever people write, few and clean commands come of it, and none of what
// they quote.
func FuzzComment(f *testing.F) {
	for _, seed := range []string{
		"/promote release 2026.11.3", "/lockstep promot\n@lockstep-bot: why kv", "```\n/hold\n```", "> /hold\n\n>>>\n/hold\n>>>",
		"`a\n/hold\nb`", "<!-- /hold\n-->", "<details>\n/hold\n</details>", "/hold \"a b\"\r\n\t/hold", "- ~~~\n  /hold\n  ~~~",
		"/hold \x00\xff\u202e@all", strings.Repeat("/queue\n", 20), "``` ` ```\n/hold\n`` `", "<!-->\n/hold", "/freeze *\n/confirm a/b",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		commands, more := ParseComment(body, "lockstep-bot")
		again, moreAgain := ParseComment(body, "lockstep-bot")
		if fmt.Sprint(commands, more) != fmt.Sprint(again, moreAgain) {
			t.Errorf("got %q, then %q", commands, again)
		}
		if len(commands) > maxCommands || more && len(commands) < maxCommands {
			t.Errorf("got %d commands, more: %t", len(commands), more)
		}
		for _, s := range commands {
			clean(t, s)
		}
		if len(body) > maxComment/2 {
			return
		}
		for name, quoted := range quotations(body) {
			if commands, _ := ParseComment(quoted, "lockstep-bot"); len(commands) > 0 {
				t.Errorf("%s: got %q of %q", name, commands, quoted)
			}
		}
	})
}

// clean holds that a command and its arguments hold nothing odd.
func clean(t *testing.T, s Spoken) {
	t.Helper()
	if s.Verb != "" && !slices.Contains(bot.Verbs, s.Verb) || s.Near != "" && !slices.Contains(bot.Verbs, s.Near) {
		t.Errorf("got %+v, which is no verb", s)
	}
	texts := append(arguments(s.Text, 5), s.Text, reason(s.Text))
	for _, text := range texts {
		odd := func(r rune) bool { return !unicode.IsPrint(r) }
		if !utf8.ValidString(text) || strings.ContainsFunc(text, odd) || utf8.RuneCountInString(text) > maxWords {
			t.Errorf("got %q", text)
		}
	}
	if n := utf8.RuneCountInString(reason(s.Text)); n > maxReason {
		t.Errorf("got a reason of %d characters", n)
	}
}

// quotations returns a text as people quote it.
func quotations(body string) map[string]string {
	lines := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(body), "\n")
	fence := "~~~"
	for strings.Contains(body, fence) {
		fence += "~"
	}
	all := map[string]string{
		"reply": "> " + strings.Join(lines, "\n> "), "code": "    " + strings.Join(lines, "\n    "),
		"fence": fence + "\n" + body + "\n" + fence, "open fence": fence + "\n" + body,
	}
	if !strings.Contains(body, ">>>") {
		all["quote"] = ">>>\n" + body + "\n>>>"
	}
	if !strings.Contains(body, "--") && !strings.HasPrefix(body, ">") {
		all["hidden"] = "<!--\n" + body + "\n-->"
	}
	return all
}
