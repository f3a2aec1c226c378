package notify

import (
	"strings"

	"lockstep/bot"
)

// wayBack says what became of each service on the way back, one sentence for each
// kind of end: "Put back: int fbv, kv (2026.11.2)".
func wayBack(r *bot.Run) []string {
	if r.Direction != bot.Back {
		return nil
	}
	ends := []struct {
		title string
		is    func(bot.Cell) bool
		why   func(bot.Cell) string
	}{
		{"Put back", func(c bot.Cell) bool { return c.Mark == bot.MarkPassed }, func(c bot.Cell) string { return string(c.To) }},
		{"Not put back", func(c bot.Cell) bool { return c.To != "" && c.Mark != bot.MarkPassed }, func(c bot.Cell) string { return c.Reason }},
		{"Left alone", func(c bot.Cell) bool { return c.Mark == bot.MarkWarned }, func(c bot.Cell) string { return strings.TrimPrefix(c.Reason, "left alone: ") }},
		{"Untouched", stays, func(c bot.Cell) string { return c.Reason }},
		{"Nothing to do", func(c bot.Cell) bool { return c.Mark == bot.MarkSkipped && !stays(c) }, func(bot.Cell) string { return "" }},
	}
	var lines []string
	for _, end := range ends {
		if list := group(r.Rollback(), end.is, end.why); list != "" {
			lines = append(lines, end.title+": "+list+".")
		}
	}
	return lines
}

// stays reports that a cell is of an environment that the way back does not cover.
func stays(c bot.Cell) bool {
	return c.Mark == bot.MarkSkipped && strings.HasPrefix(c.Reason, "stays on ")
}

// group lists the cells that are picked, neighbours with the same environment and
// reason together: "int fbv, kv (2026.11.2); abn mds (somebody set it since)".
func group(cells []bot.Cell, is func(bot.Cell) bool, why func(bot.Cell) string) string {
	var parts, names []string
	environment, reason := "", ""
	closing := func() {
		if len(names) == 0 {
			return
		}
		part := environment + " " + shortened(names)
		if reason != "" {
			part += " (" + reason + ")"
		}
		parts, names = append(parts, part), nil
	}
	for _, c := range cells {
		if !is(c) {
			continue
		}
		if c.Environment != environment || why(c) != reason {
			closing()
			environment, reason = c.Environment, why(c)
		}
		names = append(names, c.Name)
	}
	closing()
	return strings.Join(parts, "; ")
}
