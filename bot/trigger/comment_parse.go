package trigger

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"lockstep/bot"
)

// The limits of a comment.
const (
	maxComment  = 64 << 10 // bytes; a longer one is not looked at
	maxCommands = 10
	maxWords    = 1000 // characters behind a verb
	maxReason   = 500  // characters; what an API call may have
)

// A Spoken is one command as it stands in a comment, not yet looked at further.
type Spoken struct {
	Verb bot.Verb // "" where the word in its place is none
	Near bot.Verb // the one that was perhaps meant; "" where Verb is there or none is near
	Text string   // what follows it: printable characters in one line
}

// ParseComment returns the commands in the text of a comment, in order, and whether there
// are more than the ten that it returns. A command begins a line, behind three spaces at
// most, and has one of three forms:
//
//	/VERB …  /lockstep VERB …  @botName VERB …
//
// The first one is a command only where the verb is known: it may be one of GitLab's, or
// a path. Quoted replies, code, HTML and hidden comments hold no commands.
func ParseComment(body, botName string) (commands []Spoken, more bool) {
	if len(body) > maxComment {
		return nil, false
	}
	for _, line := range spokenLines(body) {
		s, ok := parseLine(line, botName)
		switch {
		case !ok:
		case len(commands) == maxCommands:
			return commands, true
		default:
			commands = append(commands, s)
		}
	}
	return commands, false
}

var commandLine = regexp.MustCompile(`^ {0,3}[/@]`)

// parseLine returns the command that a line is.
func parseLine(line, botName string) (s Spoken, ok bool) {
	if !commandLine.MatchString(line) {
		return Spoken{}, false
	}
	first, rest := cutWord(strings.TrimLeft(line, " "))
	name, mention := strings.CutPrefix(strings.TrimRight(first, ",:"), "@")
	word, rest2 := cutWord(rest)
	switch {
	case mention && (botName == "" || !strings.EqualFold(name, botName) || word == ""):
		return Spoken{}, false
	case mention:
		s := spoken(word, rest2)
		return s, s.Verb != "" || s.Near != "" // else somebody talks about the bot
	case strings.EqualFold(first, "/lockstep") && word == "":
		return Spoken{Verb: bot.VerbHelp}, true
	case strings.EqualFold(first, "/lockstep"):
		return spoken(word, rest2), true
	}
	s = spoken(strings.TrimPrefix(first, "/"), rest)
	return s, s.Verb != ""
}

// spoken returns the command whose verb is word.
func spoken(word, rest string) Spoken {
	s := Spoken{Text: shown(rest, maxWords)}
	for _, verb := range bot.Verbs {
		if strings.ToLower(word) == string(verb) {
			s.Verb = verb
			return s
		}
	}
	s.Near = bot.Near(word)
	return s
}

// cutWord returns the first word of text and what follows it.
func cutWord(text string) (word, rest string) {
	text = strings.TrimLeftFunc(text, unicode.IsSpace)
	if at := strings.IndexFunc(text, unicode.IsSpace); at >= 0 {
		return text[:at], strings.TrimLeftFunc(text[at:], unicode.IsSpace)
	}
	return text, ""
}

// shown returns text in one line of at most most characters, without what cannot be seen
// or does more than be seen.
func shown(text string, most int) string {
	var out strings.Builder
	n := 0
	for _, r := range text {
		switch {
		case unicode.IsSpace(r):
			r = ' '
		case r == utf8.RuneError || !unicode.IsPrint(r):
			continue
		}
		if n++; n > most {
			break
		}
		out.WriteRune(r)
	}
	return strings.TrimSpace(out.String())
}

// cutArgument returns the first argument of text and what follows it. An argument that
// begins with a double quote goes to the next one that ends a word, and has none of them.
func cutArgument(text string) (argument, rest string) {
	text = strings.TrimLeft(text, " ")
	if quoted, ok := strings.CutPrefix(text, `"`); ok {
		for at := range len(quoted) {
			if quoted[at] == '"' && (at+1 == len(quoted) || quoted[at+1] == ' ') {
				return quoted[:at], strings.TrimLeft(quoted[at+1:], " ")
			}
		}
	}
	argument, rest, _ = strings.Cut(text, " ")
	return argument, strings.TrimLeft(rest, " ")
}

// arguments returns all arguments of text, at most most and one that is too much.
func arguments(text string, most int) []string {
	var all []string
	for text != "" && len(all) <= most {
		var one string
		one, text = cutArgument(text)
		all = append(all, one)
	}
	return all
}

// reason returns text as a reason: without the quotes around all of it, and not too long.
func reason(text string) string {
	if whole, rest := cutArgument(text); rest == "" && strings.HasPrefix(text, `"`) {
		text = whole
	}
	return shown(text, maxReason)
}
