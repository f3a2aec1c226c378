package bot

import (
	"slices"
	"strings"
	"testing"
)

func TestHelpShowsEveryVerb(t *testing.T) {
	t.Parallel()
	help := Help("/lockstep ")
	for i, verb := range Verbs {
		if usages[i].verb != verb {
			t.Errorf("place %d: got %s, want %s", i, usages[i].verb, verb)
		}
		if want := "| `/lockstep " + verb.Usage() + "` |"; !strings.Contains(help, want) {
			t.Errorf("help has no %q:\n%s", want, help)
		}
	}
	for line := range strings.Lines(help) {
		if !strings.HasPrefix(line, "|") || strings.Count(line, "|") != 3 {
			t.Errorf("got line %q, want two columns", line)
		}
	}
	if got, want := VerbConfirm.Usage(), "confirm GATE [REASON]"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNear(t *testing.T) {
	t.Parallel()
	tests := []struct {
		word string
		want Verb
	}{
		{"promte", VerbPromote},
		{"PROMOTE", VerbPromote},
		{"rolback", VerbRollback},
		{"freez", VerbFreeze},
		{"cancle", VerbCancel},
		{"thanks", ""},
		{"deploy", ""},
		{"", ""},
		{strings.Repeat("promote", 1000), ""},
		{"\xff\xfe", ""},
	}
	for _, test := range tests {
		if got := Near(test.word); got != test.want {
			t.Errorf("%.20q: got %q, want %q", test.word, got, test.want)
		}
	}
}

func TestConfigLevels(t *testing.T) {
	t.Parallel()
	c := loadExample(t)
	for _, verb := range Verbs {
		want := LevelDeveloper
		switch verb {
		case VerbFreeze, VerbThaw:
			want = LevelMaintainer
		case VerbWhy, VerbQueue, VerbHelp:
			want = LevelReporter
		}
		if got := c.Level(verb); got != want {
			t.Errorf("%s: got %s, want %s", verb, got, want)
		}
	}
	for level, want := range map[Level]string{0: "no member", 30: "Developer", 40: "Maintainer", 25: "level 25"} {
		if got := level.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestConfigTracksOfCommands(t *testing.T) {
	t.Parallel()
	c := loadExample(t)
	tests := []struct {
		what string
		got  []string
		want []string
	}{
		{"all repositories", c.EnvironmentRepositories(), []string{"env/mda", "env/mda-prd"}},
		{"of release, which has a stage without one", c.RepositoriesOf("release"), []string{"env/mda", "env/mda-prd"}},
		{"of both", c.RepositoriesOf("integration", "release", "unknown"), []string{"env/mda", "env/mda-prd"}},
		{"of integration", c.RepositoriesOf("integration"), []string{"env/mda"}},
		{"tracks of a lane", c.TracksIn("release"), []string{"release"}},
		{"tracks of no lane", c.TracksIn("nothing"), nil},
		{"what follows integration", c.Next("integration", "mda"), []string{"release"}},
		{"what follows for a package that release does not take", c.Next("integration", "offers"), nil},
		{"what follows release", c.Next("release", "mda"), nil},
	}
	for _, test := range tests {
		if !slices.Equal(test.got, test.want) {
			t.Errorf("%s: got %q, want %q", test.what, test.got, test.want)
		}
	}
}
