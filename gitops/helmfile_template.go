package gitops

import (
	"path"
	"regexp"
	"strconv"
	"strings"
)

// A page is a file of a helmfile in which every template action was replaced by one
// character, so that a YAML parser can read it.
type page struct {
	file    string
	actions []string // what stands between the braces of each
}

// An action is replaced by the character actionFirst + its index.
const (
	actionFirst = '\uE000'
	actionLast  = '\uF8FF'
	maxActions  = actionLast - actionFirst + 1
)

// isAction reports that r stands for an action.
func isAction(r rune) bool { return r >= actionFirst && r <= actionLast }

// A fault is why a page cannot be read.
type fault struct {
	line   int
	reason string
}

// readPage replaces the actions of a file. The name of the environment is filled in,
// comments are dropped, and the lines keep their numbers. Bare tells for each line that
// holds nothing but actions which ones: they are dropped from the text.
func readPage(file string, data []byte, environment string) (p *page, text string, bare map[int][]string, no *fault) {
	p, bare = &page{file: file}, map[int][]string{}
	if i := strings.IndexFunc(string(data), isAction); i >= 0 {
		return p, "", nil, &fault{lineAt(string(data), i), "it holds characters for private use"}
	}
	var b strings.Builder
	rest, line, owed := string(data), 1, 0 // owed: breaks of actions on the line that is written
	for {
		before, after, found := strings.Cut(rest, "{{")
		if end := strings.IndexByte(before, '\n'); end >= 0 {
			b.WriteString(before[:end] + strings.Repeat("\n", owed))
			before, owed = before[end:], 0
			line += strings.Count(before, "\n")
		}
		b.WriteString(before)
		if !found {
			break
		}
		size := actionEnd(after)
		switch {
		case size < 0:
			return p, "", nil, &fault{line, "a template action is not closed"}
		case len(p.actions) == maxActions:
			return p, "", nil, &fault{line, "it holds too many template actions"}
		}
		body := after[:size]
		b.WriteString(p.replace(strings.TrimSpace(strings.Trim(body, "-")), environment))
		breaks := strings.Count(body, "\n")
		owed, line = owed+breaks, line+breaks
		rest = after[size+2:]
	}
	lines := strings.SplitAfter(b.String(), "\n")
	for i, line := range lines {
		if dropped, is := p.alone(line); is {
			bare[i+1], lines[i] = dropped, strings.Map(dropAction, line)
		}
	}
	return p, strings.Join(lines, ""), bare, nil
}

// lineAt returns the line of an offset, from 1.
func lineAt(text string, offset int) int { return strings.Count(text[:offset], "\n") + 1 }

// actionEnd returns the offset of the }} that closes an action, or -1. Braces in its
// strings and comments do not.
func actionEnd(text string) int {
	if inner := strings.TrimLeft(text, "- \t\r\n"); strings.HasPrefix(inner, "/*") {
		end := strings.Index(text, "*/")
		if end < 0 {
			return -1
		}
		if shut := strings.Index(text[end:], "}}"); shut >= 0 {
			return end + shut
		}
		return -1
	}
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"', '`', '\'':
			end := closingQuote([]byte(text), i)
			if end < 0 {
				return -1
			}
			i = end
		case '}':
			if strings.HasPrefix(text[i:], "}}") {
				return i
			}
		}
	}
	return -1
}

// replace returns what takes the place of an action.
func (p *page) replace(action, environment string) string {
	switch {
	case strings.HasPrefix(action, "/*"):
		return ""
	case action == ".Environment.Name" || action == "$.Environment.Name":
		return environment
	}
	p.actions = append(p.actions, action)
	return string(rune(actionFirst + len(p.actions) - 1))
}

// alone returns the actions of a line that holds nothing else, but for a comment.
func (p *page) alone(line string) (actions []string, is bool) {
	rest := strings.TrimSpace(strings.Map(dropAction, line))
	if rest != "" && rest[0] != '#' || !strings.ContainsFunc(line, isAction) {
		return nil, false
	}
	for _, r := range line {
		if isAction(r) && rest == "" {
			actions = append(actions, p.actions[r-actionFirst])
		}
	}
	return actions, true
}

func dropAction(r rune) rune {
	if isAction(r) {
		return -1
	}
	return r
}

// expand fills in what is known of a text of the page: the release's name, unless it is
// "", and texts in quotes, which helmfile renders for each release. It returns the
// actions that are not known; their characters stay.
func (p *page) expand(text, environment, release string) (expanded string, unknown []string) {
	var b strings.Builder
	for _, r := range text {
		if !isAction(r) || int(r-actionFirst) >= len(p.actions) {
			b.WriteRune(r)
			continue
		}
		action := p.actions[r-actionFirst]
		known, ok := expandAction(action, environment, release)
		if ok {
			b.WriteString(known)
			continue
		}
		b.WriteRune(r)
		unknown = append(unknown, "{{ "+shown(action)+" }}")
	}
	return b.String(), unknown
}

// nameAction matches the actions within a quoted text that are known.
var nameAction = regexp.MustCompile(`\{\{-?\s*\$?\.(Environment|Release)\.Name\s*-?\}\}`)

// expandAction returns what an action writes, where that is known.
func expandAction(action, environment, release string) (string, bool) {
	if action == ".Release.Name" || action == "$.Release.Name" {
		return release, release != ""
	}
	if action == "" || !strings.ContainsAny(action[:1], "\"`") {
		return "", false
	}
	text, err := strconv.Unquote(action)
	if err != nil {
		return "", false
	}
	known := true
	text = nameAction.ReplaceAllStringFunc(text, func(found string) string {
		if strings.Contains(found, "Environment") {
			return environment
		}
		known = known && release != ""
		return release
	})
	return text, known && !strings.Contains(text, "{{")
}

// restore puts the actions back into a text of the page.
func (p *page) restore(text string) string {
	var b strings.Builder
	for _, r := range text {
		if isAction(r) && int(r-actionFirst) < len(p.actions) {
			b.WriteString("{{ " + p.actions[r-actionFirst] + " }}")
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// word returns the first word of an action.
func word(action string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(action), " ")
	return first
}

// silent reports that an action on a line of its own writes nothing and decides nothing.
func silent(action string) bool {
	return word(action) == "end" || word(action) == "else" || assignment.MatchString(action)
}

var assignment = regexp.MustCompile(`^\$[A-Za-z0-9_]*\s*:?=`)

// decides reports that an action decides whether, or how often, what follows it counts.
func decides(action string) bool {
	switch word(action) {
	case "if", "with", "range", "define", "block", "else", "end":
		return true
	}
	return false
}

// guess returns the pattern of the paths that a text with unknown actions may stand
// for, each of them as one character; "" when they may be any.
func (p *page) guess(text string) string {
	for _, r := range text {
		if isAction(r) && int(r-actionFirst) < len(p.actions) && decides(p.actions[r-actionFirst]) {
			return ""
		}
	}
	if strings.Contains(text, "..") || strings.Trim(strings.Map(dropAction, text), "./") == "" {
		return "" // an action may write segments that .. takes back
	}
	return text
}

// pattern returns the pattern of the files that a path with unknown actions, which stands
// at s and is relative to dir, may name; "" when they may be any.
func (s spot) pattern(dir, name string) string {
	guess := s.page.guess(name)
	file, ok := join(dir, guess)
	if guess == "" || !ok {
		return ""
	}
	return file
}

// loose returns the parts that the paths of a guess have between what is not known of
// them. An unknown action may write several segments, or none; a wildcard is taken for one.
func loose(pattern string) []string { return wild.Split(path.Clean(pattern), -1) }

var wild = regexp.MustCompile(`\[[^]]*\]|[*?\\\x{E000}-\x{F8FF}]`)

// matchesLoosely reports that a path has those parts in that order, the first one at its
// beginning and the last one at its end.
func matchesLoosely(name string, parts []string) bool {
	last := len(parts) - 1
	if !strings.HasSuffix(name, parts[last]) {
		return false
	}
	for i, part := range parts {
		at := strings.Index(name, part)
		if i == last && i > 0 {
			at = strings.LastIndex(name, part)
		}
		if at < 0 || i == 0 && at > 0 {
			return false
		}
		name = name[at+len(part):]
		if i < last && strings.HasSuffix(part, "/") && strings.HasPrefix(parts[i+1], "/") {
			name = "/" + name // nothing may stand between the two
		}
	}
	return name == ""
}

// around returns a pattern of Match for all paths that have those parts, and others: it
// has the directories of the first part and the last part.
func around(parts []string) string {
	first, last := parts[0], parts[len(parts)-1]
	directories := first[:strings.LastIndexByte(first, '/')+1]
	switch {
	case len(parts) == 1:
		return Quote(first)
	case strings.HasPrefix(last, "/"):
		return Quote(directories) + "**" + Quote(last)
	}
	return Quote(directories) + "**/*" + Quote(last)
}

// shown returns text as a sentence may hold it: on one line, and not too long.
func shown(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > 80 {
		text = string(runes[:79]) + "…"
	}
	return text
}
