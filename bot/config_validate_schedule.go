package bot

import (
	"slices"
	"strings"
	"time"
)

// validateSchedules checks the schedules of a track.
func (c *Config) validateSchedules(k *configCheck, field string, t *TrackConfig) {
	for i, s := range t.Schedules {
		at := item(field+".schedules", i)
		if k.name(at+".name", s.Name) && slices.ContainsFunc(t.Schedules[:i], func(o ScheduleConfig) bool { return o.Name == s.Name }) {
			k.fail(at+".name", "schedule %q is there twice: give one another name", s.Name)
		}
		if k.given(at+".cron", s.Cron, "when, such as 30 2 * * *") {
			if _, err := parseCron(s.Cron); err != nil {
				k.fail(at+".cron", "%v", err)
			}
		}
		k.zone(at+".zone", s.Zone)
		k.oneOf(at+".catch_up", s.CatchUp, "skip", "once")
		if s.Package == "" {
			k.fail(at+".package", "missing: write which package the schedule is for (have %s)", strings.Join(t.Packages, ", "))
			continue
		}
		if k.refers(at+".package", "package", s.Package, t.Packages) && c.Packages[s.Package] != nil {
			c.validateWanted(k, at+".version", t, s)
		}
	}
}

// validateWanted checks which version a schedule asks for.
func (c *Config) validateWanted(k *configCheck, field string, t *TrackConfig, s ScheduleConfig) {
	other, good := strings.CutPrefix(s.Version, newestGood)
	switch {
	case s.Version == versionLatest && c.Packages[s.Package].Tags == nil:
		k.fail(field, "no tags announce versions of package %q, so nobody knows the latest: write packages.%s.tags, or newest good of a track", s.Package, s.Package)
	case s.Version == versionLatest:
	case !good:
		k.fail(field, "%q is not known: write latest, or newest good of and the name of a track", shortened(s.Version))
	case !k.refers(field, "track", other, sortedKeys(c.Tracks)):
	case c.Tracks[other] == t:
		k.fail(field, "the newest good version of the track itself stands there already: name another track")
	case !slices.Contains(c.Tracks[other].Packages, s.Package):
		k.fail(field, "package %q does not go through track %q: name a track that takes it", s.Package, other)
	}
}

// zone checks the name of a zone.
func (k *configCheck) zone(field, name string) bool {
	_, err := loadZone(name)
	if name == "" || name == "Local" || err != nil {
		k.fail(field, "unknown zone %q: write one such as Europe/Berlin, or UTC", shortened(name))
		return false
	}
	return true
}

// windows checks windows; nil is none.
func (k *configCheck) windows(field string, w *WindowsConfig) {
	if w == nil {
		return
	}
	good := k.zone(field+".zone", w.Zone)
	for name, texts := range map[string][]string{"allow": w.Allow, "deny": w.Deny} {
		for i, text := range texts {
			if _, err := parseSpan(text); err != nil {
				k.fail(item(field+"."+name, i), "%v", err)
				good = false
			}
		}
	}
	switch {
	case len(w.Allow) == 0 && len(w.Deny) == 0:
		k.fail(field, "no span is there: write allow or deny, or remove it")
	case good && w.plan().never():
		k.fail(field, "it never opens: what allow covers, deny takes away each week")
	}
}

// never reports that w never opens because of what comes again each week.
func (w *Windows) never() bool {
	dated := func(s Span) bool { return !s.weekly() }
	if slices.ContainsFunc(w.Allow, dated) {
		return false
	}
	weekly := &Windows{Zone: "UTC", Allow: w.Allow, Deny: slices.DeleteFunc(slices.Clone(w.Deny), dated)}
	opens, closed := weekly.Closed(time.Unix(0, 0))
	return closed && opens.IsZero()
}
