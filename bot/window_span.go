package bot

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Span is a part of each week, "Mon-Fri 08:00-16:00", or one between two dates,
// "2026-12-20 – 2027-01-06". Its text is all of it.
type Span struct {
	text       string
	days       [7]bool       // of a weekly span: the days on which it begins
	from, to   time.Duration // of a weekly span: after midnight; it ends the next day unless from is before to
	begin, end time.Time     // of a dated span: wall times
}

// String returns the span as it was written.
func (s Span) String() string { return s.text }

// MarshalText returns the span as it was written.
func (s Span) MarshalText() ([]byte, error) { return []byte(s.text), nil }

// UnmarshalText reads what MarshalText returned.
func (s *Span) UnmarshalText(text []byte) (err error) {
	*s, err = parseSpan(string(text))
	return err
}

var (
	weeklySpan = regexp.MustCompile(`^(?i)([a-z]{3}(?:-[a-z]{3})?(?:, ?[a-z]{3}(?:-[a-z]{3})?)*)?(?: ?\b(\d\d:\d\d)-(\d\d:\d\d))?$`)
	datedSpan  = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)(?: (\d\d:\d\d))?(?: ?[–—] ?| - )(\d{4}-\d\d-\d\d)(?: (\d\d:\d\d))?$`)
	oneDay     = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)$`)
)

// parseSpan reads a span; the error is a sentence.
func parseSpan(text string) (Span, error) {
	s := Span{text: text}
	var err error
	if at := oneDay.FindStringSubmatch(text); at != nil {
		err = s.dated(at[1], "", at[1], "")
	} else if at := datedSpan.FindStringSubmatch(text); at != nil {
		err = s.dated(at[1], at[2], at[3], at[4])
	} else if at := weeklySpan.FindStringSubmatch(text); at != nil && text != "" {
		err = s.inWeek(at[1], at[2], at[3])
	} else {
		err = fmt.Errorf("%q is no span: write one such as Mon-Fri 08:00-16:00 or 2026-12-20 – 2027-01-06", shortened(text))
	}
	return s, err
}

// dated reads the first and the last day, both inclusive, unless a time is given.
func (s *Span) dated(first, from, last, to string) (err error) {
	if s.begin, err = wallTime(first, from); err != nil {
		return err
	}
	if s.end, err = wallTime(last, to); err != nil {
		return err
	}
	if to == "" {
		s.end = s.end.AddDate(0, 0, 1)
	}
	if !s.begin.Before(s.end) {
		return fmt.Errorf("%s ends before it begins", s.text)
	}
	return nil
}

// wallTime returns the wall time of a date and a time, midnight without one.
func wallTime(date, clock string) (time.Time, error) {
	t, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return t, fmt.Errorf("there is no day %s", date)
	}
	after, err := clockTime(clock, 0)
	return t.Add(after), err
}

// clockTime returns the time after midnight, other without one.
func clockTime(clock string, other time.Duration) (time.Duration, error) {
	if clock == "" {
		return other, nil
	}
	hour, _ := strconv.Atoi(clock[:2])
	minute, _ := strconv.Atoi(clock[3:])
	if after := time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute; minute < 60 && after <= 24*time.Hour {
		return after, nil
	}
	return 0, fmt.Errorf("there is no time %s: write 00:00 to 24:00", clock)
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// inWeek reads days, all without any, and times, the whole day without any.
func (s *Span) inWeek(days, from, to string) (err error) {
	if days == "" {
		days = "Sun-Sat"
	}
	for _, part := range strings.Split(strings.ToLower(days), ",") {
		first, last, isRange := strings.Cut(strings.TrimSpace(part), "-")
		a, b := slices.Index(weekdays, first), slices.Index(weekdays, last)
		if !isRange {
			b = a
		}
		if a < 0 || b < 0 {
			return fmt.Errorf("%q is no day of the week: write Mon, Tue, Wed, Thu, Fri, Sat or Sun", strings.TrimSpace(part))
		}
		for s.days[a] = true; a != b; s.days[a] = true {
			a = (a + 1) % 7
		}
	}
	if s.from, err = clockTime(from, 0); err != nil {
		return err
	}
	if s.to, err = clockTime(to, 24*time.Hour); err != nil {
		return err
	}
	if s.from == s.to || s.from == 24*time.Hour {
		return fmt.Errorf("%s ends when it begins: leave the times out for whole days", s.text)
	}
	return nil
}

// weekly reports that s comes again each week.
func (s Span) weekly() bool { return s.begin.IsZero() }

// covers reports that s covers a wall time.
func (s Span) covers(wall time.Time) bool {
	if !s.weekly() {
		return !wall.Before(s.begin) && wall.Before(s.end)
	}
	today := int(wall.Weekday())
	after := wall.Sub(midnight(wall))
	if s.from < s.to {
		return s.days[today] && s.from <= after && after < s.to
	}
	return s.days[today] && s.from <= after || s.days[(today+6)%7] && after < s.to
}

// edges returns the wall times near wall, and for a week after it, in which s begins or
// ends.
func (s Span) edges(wall time.Time) []time.Time {
	if !s.weekly() {
		return []time.Time{s.begin, s.end}
	}
	var edges []time.Time
	for d := -2; d <= 8; d++ {
		day := midnight(wall).AddDate(0, 0, d)
		if !s.days[day.Weekday()] {
			continue
		}
		end := day.Add(s.to)
		if s.to <= s.from {
			end = end.AddDate(0, 0, 1)
		}
		edges = append(edges, day.Add(s.from), end)
	}
	return edges
}

// midnight returns the beginning of a day.
func midnight(wall time.Time) time.Time { return wall.Truncate(24 * time.Hour) }
