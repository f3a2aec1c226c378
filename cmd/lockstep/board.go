package main

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"lockstep/bot"
)

// signs show how a cell stands, and colours it on a terminal.
var signs = map[bot.Mark]struct{ sign, colour string }{
	bot.MarkOpen:    {"○", "90"},
	bot.MarkRunning: {"◐", "34"},
	bot.MarkPassed:  {"✔", "32"},
	bot.MarkFailed:  {"✘", "31"},
	bot.MarkWarned:  {"!", "33"},
	bot.MarkSkipped: {"»", "90"},
	bot.MarkUnsure:  {"?", "35"},
}

// board prints the columns of a run side by side, a line for each cell, and below it
// the reasons that are no success.
func (c *console) board(columns []bot.Column, colour bool) {
	for _, line := range boardLines(columns, colour) {
		fmt.Fprintln(c.out, line)
	}
}

// boardLines returns the lines of a board.
func boardLines(columns []bot.Column, colour bool) []string {
	lines, height := make([]string, 2), 0
	for _, column := range columns {
		height = max(height, len(column.Cells))
	}
	lines = append(lines, make([]string, height)...)
	for _, column := range columns {
		width, label := utf8.RuneCountInString(column.Name), labels(column)
		for _, cell := range column.Cells {
			width = max(width, utf8.RuneCountInString(label(cell))+2)
		}
		lines[0] += pad(column.Name, width) + "   "
		lines[1] += strings.Repeat("─", width) + "   "
		for i := range height {
			text := ""
			if i < len(column.Cells) {
				text = paint(column.Cells[i], label(column.Cells[i]), colour, width)
			} else {
				text = pad("", width)
			}
			lines[i+2] += text + "   "
		}
	}
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return lines
}

// labels returns how the cells of a column are called: by their environment as well
// where services of several are in it, as on the way back.
func labels(column bot.Column) func(bot.Cell) string {
	several := slices.ContainsFunc(column.Cells, func(c bot.Cell) bool { return c.Environment != column.Cells[0].Environment })
	return func(c bot.Cell) string {
		if several && !strings.HasPrefix(c.Name, "/") { // a parameter says it by itself
			return printable(c.Environment + " " + c.Name)
		}
		return printable(c.Name)
	}
}

// paint returns a cell as its label with its sign, padded to width.
func paint(cell bot.Cell, label string, colour bool, width int) string {
	s := signs[cell.Mark]
	text := pad(s.sign+" "+label, width)
	if !colour {
		return text
	}
	return "\x1b[" + s.colour + "m" + text + "\x1b[0m"
}

// pad fills text with spaces up to width characters.
func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
}
