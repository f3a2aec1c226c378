package notify

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// How long the parts of a text may be, in characters, and how many names stand in a
// list; Rocket.Chat refuses messages of more than 5,000 characters.
const (
	maxTitle = 500
	maxLine  = 700
	maxLines = 2400 // all lines together
	maxNames = 12
)

// shortened lists names, as many as people read.
func shortened(names []string) string {
	if len(names) <= maxNames {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNames-1], ", "), len(names)-maxNames+1)
}

// more says how many lines were left out.
func more(n int) string {
	if n == 1 {
		return "1 more line on the page of the run"
	}
	return fmt.Sprintf("%d more lines on the page of the run", n)
}

// trim makes every part one line of bounded length, and leaves out the lines for which
// there is no room.
func (t *Text) trim() {
	t.Title = clip(t.Title, maxTitle)
	room := maxLines
	for i := range t.Lines {
		t.Lines[i] = clip(t.Lines[i], maxLine)
		if room -= len([]rune(t.Lines[i])); room < 0 {
			t.Lines = append(t.Lines[:i], fmt.Sprintf("… and %s", more(len(t.Lines)-i)))
			break
		}
	}
	for i := range t.Fields {
		t.Fields[i].Value = clip(t.Fields[i].Value, maxLine)
	}
}

// clip returns s as one line of at most limit characters, without characters that
// control a terminal or turn the direction of writing.
func clip(s string, limit int) string {
	s = strings.Join(strings.FieldsFunc(s, func(c rune) bool {
		return unicode.IsSpace(c) || unicode.IsControl(c) || unicode.Is(unicode.Bidi_Control, c)
	}), " ")
	if runes := []rune(s); len(runes) > limit {
		return string(runes[:limit-1]) + "…"
	}
	return s
}

// allLinks returns the page of the run and where else to look, without what is no
// address of the web.
func (t Text) allLinks() []Link {
	var links []Link
	for _, l := range append([]Link{{"The run", t.Link}}, t.Links...) {
		if webLink(l.URL) {
			links = append(links, l)
		}
	}
	return links
}

// fitting joins as many parts as fit into limit characters.
func fitting(parts []string, separator string, limit int) string {
	var b strings.Builder
	n := 0
	for i, part := range parts {
		if i > 0 {
			part = separator + part
		}
		if n += utf8.RuneCountInString(part); n > limit {
			break
		}
		b.WriteString(part)
	}
	return b.String()
}
