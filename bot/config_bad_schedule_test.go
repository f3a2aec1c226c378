package bot

import (
	"slices"
	"testing"

	"lockstep/gitops"
)

var badSchedules = []badConfig{
	{
		"schedules",
		"    on: [tag]\n",
		"    schedules:\n      - {cron: 0 2 * *}\n      - {name: '2', cron: '@daily', zone: Europe/Bern}\n      - {cron: 0 2 30 2 *, catch_up: twice}\n" +
			"      - {name: '2', cron: CRON_TZ=UTC 0 2 * * *, version: newest}\n      - {zone: Local, package: offers}\n      - {cron: 60 2 * * *, version: newest good of nightly}\n" +
			"      - {cron: 5 2 * * *, version: newest good of integration}\n",
		[]string{
			"16:16: tracks.integration.schedules[0].cron: want 5 fields, have 4: write minute, hour, day of the month, month and weekday, such as 30 2 * * *",
			"17:27: tracks.integration.schedules[1].cron: want 5 fields, have 1: write minute, hour, day of the month, month and weekday, such as 30 2 * * *",
			`17:43: tracks.integration.schedules[1].zone: unknown zone "Europe/Bern": write one such as Europe/Berlin, or UTC`,
			"18:16: tracks.integration.schedules[2].cron: such a day never comes: mend the day or the month",
			`18:38: tracks.integration.schedules[2].catch_up: "twice" is not known: have once, skip`,
			`19:16: tracks.integration.schedules[3].name: schedule "2" is there twice: give one another name`,
			"19:27: tracks.integration.schedules[3].cron: want 5 fields, have 6: write minute, hour, day of the month, month and weekday, such as 30 2 * * *",
			`19:59: tracks.integration.schedules[3].version: "newest" is not known: write latest, or newest good of and the name of a track`,
			"20:9: tracks.integration.schedules[4].cron: missing: write when, such as 30 2 * * *",
			`20:16: tracks.integration.schedules[4].zone: unknown zone "Local": write one such as Europe/Berlin, or UTC`,
			`20:32: tracks.integration.schedules[4].package: unknown package "offers": have mda`,
			"21:16: tracks.integration.schedules[5].cron: not a cron expression: end of range (60) above maximum (59): \"60\"",
			`21:37: tracks.integration.schedules[5].version: unknown track "nightly": have integration`,
			"22:36: tracks.integration.schedules[6].version: the newest good version of the track itself stands there already: name another track",
		},
	},
	{
		"a schedule of two packages, without tags",
		"",
		changed("    packages: [mda]\n", "    packages: [mda, offers]\n    schedules: [{cron: 0 2 * * *}, {cron: 0 2 * * *, package: offers}]\n",
			"      - {name: mds,", "      - {name: shop, file: int/shop.yaml, key: data.version, package: offers}\n      - {name: mds,"),
		[]string{
			"19:17: tracks.integration.schedules[0].package: missing: write which package the schedule is for (have mda, offers)",
			"19:36: tracks.integration.schedules[1].version: no tags announce versions of package \"offers\", so nobody knows the latest: write packages.offers.tags, or newest good of a track",
		},
	},
	{
		"windows",
		"    on: [tag]\n",
		"    windows:\n      zone: Mars/Olympus\n      allow: [Mon-Fri 8:00-16:00, Mon-Fro, Mon 16:00-25:00, Mon 08:00-08:00, 2026-13-01, 2026-12-02 – 2026-12-01]\n",
		[]string{
			`16:13: tracks.integration.windows.zone: unknown zone "Mars/Olympus": write one such as Europe/Berlin, or UTC`,
			`17:15: tracks.integration.windows.allow[0]: "Mon-Fri 8:00-16:00" is no span: write one such as Mon-Fri 08:00-16:00 or 2026-12-20 – 2027-01-06`,
			`17:35: tracks.integration.windows.allow[1]: "mon-fro" is no day of the week: write Mon, Tue, Wed, Thu, Fri, Sat or Sun`,
			"17:44: tracks.integration.windows.allow[2]: there is no time 25:00: write 00:00 to 24:00",
			"17:61: tracks.integration.windows.allow[3]: Mon 08:00-08:00 ends when it begins: leave the times out for whole days",
			"17:78: tracks.integration.windows.allow[4]: there is no day 2026-13-01",
			"17:90: tracks.integration.windows.allow[5]: 2026-12-02 – 2026-12-01 ends before it begins",
		},
	},
	{
		"windows that never open",
		"    repository: env/mda\n",
		"    repository: env/mda\n    windows: {allow: ['Mon 08:00-16:00'], deny: [Mon-Fri]}\n",
		[]string{"11:5: environments.int.windows: it never opens: what allow covers, deny takes away each week"},
	},
	{
		"windows without spans",
		"    repository: env/mda\n",
		"    repository: env/mda\n    windows: {zone: Europe/Berlin, deny: []}\n",
		[]string{"11:5: environments.int.windows: no span is there: write allow or deny, or remove it"},
	},
}

func TestConfigSchedules(t *testing.T) {
	t.Parallel()
	c := loadExample(t)
	var got []string
	for _, s := range c.Schedules() {
		got = append(got, s.Track+" "+s.Name+" "+s.Package+" "+s.Wants()+" "+s.Project+" "+s.Cron)
	}
	want := []string{"integration nightly mda latest data/mda 30 2 * * Mon-Fri", "release 1 mda newest good of integration  0 9 * * Mon"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	tags := []gitops.Tag{{Name: "nightly"}, {Name: "v2026.11"}, {Name: "v2026.10.7"}, {Name: "v2026.11.3"}}
	if v, found := c.Newest("mda", tags); !found || v != "2026.10.7" {
		t.Errorf("newest: got %q, %v", v, found)
	}
	for name, want := range map[string]string{"integration": "integration", "release": "release", "relaese": ""} {
		if got, err := c.LaneOf(name); got != want || (err != nil) != (want == "") {
			t.Errorf("lane of %s: got %q, %v", name, got, err)
		}
	}
}
