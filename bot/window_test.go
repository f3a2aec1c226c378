package bot

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// windowsOf returns windows from spans; those to be denied begin with "!".
func windowsOf(zone string, texts ...string) *Windows {
	c := WindowsConfig{Zone: zone}
	for _, text := range texts {
		if deny, ok := strings.CutPrefix(text, "!"); ok {
			c.Deny = append(c.Deny, deny)
		} else {
			c.Allow = append(c.Allow, text)
		}
	}
	return c.plan()
}

func TestWindows(t *testing.T) {
	t.Parallel()
	work := []string{"Mon-Fri 08:00-16:00"}
	for _, tt := range []struct {
		zone  string
		spans []string
		now   string // in the zone
		want  string // when it opens; "open" when it is, "never"
	}{
		{"Europe/Berlin", work, "2026-11-25 08:00", "open"},
		{"Europe/Berlin", work, "2026-11-25 15:59", "open"},
		{"Europe/Berlin", work, "2026-11-25 16:00", "Thu 2026-11-26 08:00 CET"},
		{"Europe/Berlin", work, "2026-11-27 16:00", "Mon 2026-11-30 08:00 CET"},
		{"Europe/Berlin", append(work, "!Mon"), "2026-11-27 16:00", "Tue 2026-12-01 08:00 CET"},
		{"Europe/Berlin", append(work, "!2026-12-20 – 2027-01-06"), "2026-12-18 16:30", "Thu 2027-01-07 08:00 CET"},
		{"Europe/Berlin", []string{"!2026-12-20 18:00 - 2027-01-06 12:00"}, "2026-12-20 17:59", "open"},
		{"Europe/Berlin", []string{"!2026-12-20 18:00 - 2027-01-06 12:00"}, "2026-12-20 18:00", "Wed 2027-01-06 12:00 CET"},
		{"Europe/Berlin", []string{"!2026-12-24"}, "2026-12-24 10:00", "Fri 2026-12-25 00:00 CET"},
		{"Europe/Berlin", []string{"!22:00-06:00"}, "2026-11-25 23:00", "Thu 2026-11-26 06:00 CET"},
		{"Europe/Berlin", []string{"!Sat-Mon 00:00-24:00"}, "2026-11-28 10:00", "Tue 2026-12-01 00:00 CET"},
		{"Europe/Berlin", []string{"Fri 22:00-06:00"}, "2026-11-28 05:59", "open"},
		{"Europe/Berlin", []string{"Fri 22:00-06:00"}, "2026-11-28 06:00", "Fri 2026-12-04 22:00 CET"},
		{"Europe/Berlin", []string{"sun,wed"}, "2026-11-26 06:00", "Sun 2026-11-29 00:00 CET"},
		{"Europe/Berlin", []string{"2026-11-01 – 2026-11-10"}, "2026-11-26 06:00", "never"},
		{"Europe/Berlin", []string{"Mon-Fri", "!2026-11-01 – 2036-11-10"}, "2026-11-26 06:00", "Tue 2036-11-11 00:00 CET"},
		{"Europe/Berlin", []string{"02:30-05:00"}, "2026-03-29 01:00", "Sun 2026-03-29 03:00 CEST"}, // left out by the clocks
		{"America/New_York", []string{"!01:00-01:30"}, "2026-11-01 01:10", "Sun 2026-11-01 01:30 EDT"},
	} {
		w := windowsOf(tt.zone, tt.spans...)
		now, err := time.ParseInLocation("2006-01-02 15:04", tt.now, zone(tt.zone))
		if err != nil {
			t.Fatal(err)
		}
		got := "open"
		if opens, closed := w.Closed(now); closed && opens.IsZero() {
			got = "never"
		} else if closed {
			got = day(opens)
		}
		if got != tt.want {
			t.Errorf("%q at %s: got %s, want %s", tt.spans, tt.now, got, tt.want)
		}
	}
	if _, closed := (*Windows)(nil).Closed(time.Now()); closed {
		t.Error("no windows are closed")
	}
}

// When windows say that they open, they are closed up to then and open then, however the
// clocks are changed meanwhile.
func TestWindowsProperty(t *testing.T) {
	t.Parallel()
	spans := rapid.Custom(func(r *rapid.T) string {
		if rapid.IntRange(0, 3).Draw(r, "dated") == 0 {
			first := rapid.IntRange(20, 28).Draw(r, "first")
			return fmt.Sprintf("2026-10-%d %02d:30 – 2026-10-%d", first, rapid.IntRange(0, 23).Draw(r, "from"), first+rapid.IntRange(1, 3).Draw(r, "days"))
		}
		from, to := rapid.IntRange(0, 23).Draw(r, "from"), rapid.IntRange(0, 23).Draw(r, "to")
		days := weekdays[rapid.IntRange(0, 6).Draw(r, "day")] + "-" + weekdays[rapid.IntRange(0, 6).Draw(r, "until")]
		return fmt.Sprintf("%s %02d:15-%02d:45", days, from, to)
	})
	rapid.Check(t, func(r *rapid.T) {
		where := rapid.SampledFrom([]string{"Europe/Berlin", "Australia/Lord_Howe", "UTC"}).Draw(r, "zone")
		texts := rapid.SliceOfN(spans, 0, 3).Draw(r, "allow")
		for _, text := range rapid.SliceOfN(spans, 0, 3).Draw(r, "deny") {
			texts = append(texts, "!"+text)
		}
		w := windowsOf(where, texts...)
		now := time.Date(2026, 10, 23, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 4*24*60).Draw(r, "now")) * time.Minute)
		opens, closed := w.Closed(now)
		if !closed {
			return
		}
		end := opens
		if opens.IsZero() {
			end = now.AddDate(0, 0, 14)
		} else if !w.open(opens) {
			r.Fatalf("%q is not open at %s", texts, day(opens))
		}
		for at := now; at.Before(end); at = at.Add(5 * time.Minute) {
			if w.open(at) {
				r.Fatalf("%q at %s is to open at %s, and is open at %s", texts, now, day(opens), day(at.In(zone(where))))
			}
		}
	})
}

// A plan keeps its windows as people wrote them.
func TestWindowsAreStored(t *testing.T) {
	t.Parallel()
	w := windowsOf("Europe/Berlin", "Mon-Fri 08:00-16:00", "!2026-12-20 – 2027-01-06")
	data, err := json.Marshal(w)
	if want := `{"zone":"Europe/Berlin","allow":["Mon-Fri 08:00-16:00"],"deny":["2026-12-20 – 2027-01-06"]}`; err != nil || string(data) != want {
		t.Errorf("got %s, %v, want %s", data, err, want)
	}
	var again Windows
	if err := json.Unmarshal(data, &again); err != nil || fmt.Sprint(again) != fmt.Sprint(*w) {
		t.Errorf("got %v, %v, want %v", again, err, *w)
	}
}
