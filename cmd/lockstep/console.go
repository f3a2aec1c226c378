package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"golang.org/x/term"
)

// json prints one value as one line of JSON.
func (c *console) json(v any) error {
	e := json.NewEncoder(c.out)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// printf prints for people. What comes from outside is stripped of control
// characters, so that no text can steer a terminal.
func (c *console) printf(format string, args ...any) {
	for i, arg := range args {
		if text, ok := arg.(string); ok {
			args[i] = printable(text)
		}
	}
	fmt.Fprintf(c.out, format, args...)
}

// table returns a writer of aligned columns; cells end with tabs.
func (c *console) table() *tabwriter.Writer {
	return tabwriter.NewWriter(c.out, 2, 8, 2, ' ', 0)
}

// terminal reports that people look at what is printed, and how wide it is.
func (c *console) terminal() (width int, ok bool) {
	f, isFile := c.out.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	return width, err == nil
}

// printable returns text without control characters, on one line.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}

// clock returns a time as people read it, with its zone; "-" for none.
func clock(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04:05 MST")
}

// lasted returns how long something took, or has taken so far.
func lasted(from, to time.Time) string {
	switch {
	case from.IsZero():
		return "-"
	case to.IsZero():
		to = now()
	}
	return to.Sub(from).Round(100 * time.Millisecond).String()
}

// row prints one row of a table.
func row(w io.Writer, cells ...string) {
	for i := range cells {
		cells[i] = printable(cells[i])
	}
	fmt.Fprintln(w, strings.Join(cells, "\t"))
}
