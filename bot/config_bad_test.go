package bot

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// A badConfig is a change of smallConfig and the mistakes it makes, in this order.
type badConfig struct {
	name     string
	old, new string // "" for old: new is the whole file
	want     []string
}

// allBad is every one of them.
func allBad() []badConfig {
	return slices.Concat(badServers, badAnnouncements, badData, badEnvironments, badTracks, badSchedules, badGates, badCommands, badTexts)
}

// twoPackages is smallConfig with a second package, which no track takes.
var twoPackages = strings.NewReplacer(
	"environments:\n", "  offers:\nenvironments:\n",
	"key: data.version", "key: data.version, package: mda",
	"    on: [tag]\n", "    on: [tag]\n    packages: [mda]\n",
).Replace(smallConfig)

// changed returns twoPackages with other texts: the first for the second, and so on.
func changed(texts ...string) string { return strings.NewReplacer(texts...).Replace(twoPackages) }

var badServers = []badConfig{
	{
		"many at once",
		"  token: env:GITLAB_TOKEN\n",
		"  tokn: env:GITLAB_TOKEN\nserver: {listen: here}\nlimits: {unknown: -1s}\n",
		[]string{
			"1:1: gitlab.token: missing: write a reference such as env:GITLAB_TOKEN",
			"3:3: gitlab.tokn: unknown key: did you mean token? (have author, labels, rate, statuses, token, url, webhook)",
			`4:18: server.listen: "here" is no address to listen on: write host:port, such as 127.0.0.1:8080`,
			"5:19: limits.unknown: -1s is not above zero",
		},
	},
	{
		"rate",
		"  token: env:GITLAB_TOKEN\n",
		"  token: env:GITLAB_TOKEN\n  rate: 0\n",
		[]string{"4:9: gitlab.rate: 0 is no rate: write 1 to 1000 requests a second"},
	},
	{
		"metrics",
		"  token: env:GITLAB_TOKEN\n",
		"  token: env:GITLAB_TOKEN\nserver: {metrics: public}\n",
		[]string{`4:19: server.metrics: "public" is not known: have open, token`},
	},
	{
		"rate in words",
		"  token: env:GITLAB_TOKEN\n",
		"  token: env:GITLAB_TOKEN\n  rate: many\n",
		[]string{"4:9: gitlab.rate: want a whole number, have a text"},
	},
	{
		"empty file",
		"",
		"# nothing here\n",
		[]string{
			"1:1: the file is empty: copy docs/lockstep.example.yaml to it and edit it",
		},
	},
	{
		"not YAML",
		"",
		"gitlab:\n  url: [a\n",
		[]string{
			"2:8: not YAML: sequence end token ']' not found",
		},
	},
	{
		"not UTF-8",
		"",
		"gitlab: \"\xff\"\n",
		[]string{
			"1:10: not UTF-8 text from here: save the file as UTF-8",
		},
	},
	{
		"no mapping",
		"",
		"- a\n",
		[]string{
			"1:1: want keys with values, have a list",
		},
	},
	{
		"two documents",
		"",
		"gitlab: {}\n---\nserver: {}\n",
		[]string{
			"3:1: a second document begins here: keep one, and remove the line ---",
		},
	},
	{
		"everything is missing",
		"",
		"gitlab:\n",
		[]string{
			"1:1: gitlab.url: missing: write GitLab's address, such as https://gitlab.example.com",
			"1:1: gitlab.token: missing: write a reference such as env:GITLAB_TOKEN",
			"1:1: packages: no data package: describe at least one",
			"1:1: environments: no environment: describe at least one",
			"1:1: tracks: no track: describe at least one",
		},
	},
	{
		"unknown keys",
		"    repository: env/mda\n",
		"    repositry: env/mda\n    colour: red\n",
		[]string{
			"9:3: environments.int.repository: missing: write the project's path, such as group/project",
			"10:5: environments.int.repositry: unknown key: did you mean repository? (have branch, bucket, deploy, merge, merge_limit, merge_request_pipelines, record, repository, rollback, services, sync, windows)",
			"11:5: environments.int.colour: unknown key: have branch, bucket, deploy, merge, merge_limit, merge_request_pipelines, record, repository, rollback, services, sync, windows",
		},
	},
	{
		"unknown key at the top",
		"tracks:\n",
		"trakcs: {}\ntracks:\n",
		[]string{
			"13:1: trakcs: unknown key: did you mean tracks? (have buckets, commands, environments, gitlab, limits, notify, packages, server, store, tracks)",
		},
	},
	{
		"a key twice",
		"    on: [tag]\n",
		"    on: [tag]\n    on: []\n",
		[]string{
			"16:5: tracks.integration.on: the key is there twice, first on line 15: remove one",
		},
	},
	{
		"a merge key",
		"    on: [tag]\n",
		"    <<: {on: [tag]}\n",
		[]string{
			"15:5: tracks.integration.<<: such keys are not read here: repeat what it brings in, or use an alias for a whole section",
		},
	},
	{
		"a tag",
		"token: env:GITLAB_TOKEN",
		"token: !secret abc",
		[]string{
			"3:3: gitlab.token: tags such as !secret are not read here: remove it",
		},
	},
	{
		"an unknown alias",
		"    on: [tag]\n",
		"    on: *tags\n",
		[]string{
			"15:5: tracks.integration.on: no anchor &tags stands before this alias",
		},
	},
	{
		"wrong kinds",
		"    repository: env/mda\n",
		"    repository: [env/mda]\n    merge_request_pipelines: maybe\n    merge_limit: 5\n    sync: now\n",
		[]string{
			"10:5: environments.int.repository: want a text, have a list",
			"11:30: environments.int.merge_request_pipelines: want true or false, have a text",
			`12:18: environments.int.merge_limit: "5" is no duration: write one such as 90s, 30m or 1h30m`,
			"13:5: environments.int.sync: want keys with values, have a text",
		},
	},
	{
		"a list that is none",
		"    on: [tag]\n",
		"    on: tag\n",
		[]string{
			"15:5: tracks.integration.on: want a list, have a text",
		},
	},
	{
		"durations",
		"    repository: env/mda\n",
		"    repository: env/mda\n    merge_limit: 0s\n    sync: {time_limit: -1h}\n",
		[]string{
			"11:18: environments.int.merge_limit: 0s is not above zero",
			"12:24: environments.int.sync.time_limit: -1h is not above zero",
		},
	},
	{
		"plain secrets",
		"token: env:GITLAB_TOKEN",
		"token: glpat-secret\n  webhook: {secret: hush, signing: 'ref+exec://cat'}",
		[]string{
			"3:10: gitlab.token: want a reference, not the secret itself: write one such as env:GITLAB_TOKEN",
			"4:21: gitlab.webhook.secret: want a reference, not the secret itself: write one such as env:WEBHOOK_SECRET",
			"4:36: gitlab.webhook.signing: want a reference, not the secret itself: write one such as env:WEBHOOK_SIGNING",
		},
	},
	{
		"addresses",
		"url: https://gitlab.example.com",
		"url: http://gitlab.example.com",
		[]string{
			"2:8: gitlab.url: http sends secrets in the clear: use https",
		},
	},
	{
		"an address with a password",
		"url: https://gitlab.example.com",
		"url: https://me:hush@gitlab.example.com",
		[]string{
			"2:8: gitlab.url: the address holds a user or a password: remove it",
		},
	},
	{
		"the root of the API",
		"url: https://gitlab.example.com",
		"url: https://gitlab.example.com/api/v4/",
		[]string{
			"2:8: gitlab.url: leave out /api/v4",
		},
	},
	{
		"no address",
		"url: https://gitlab.example.com",
		"url: gitlab.example.com",
		[]string{
			"2:8: gitlab.url: not an address: write one such as https://gitlab.example.com",
		},
	},
	{
		"an author",
		"token: env:GITLAB_TOKEN",
		"token: env:GITLAB_TOKEN\n  author: {name: 'A <b>', email: nobody}",
		[]string{
			`4:18: gitlab.author.name: "A <b>" is no author of a commit: write one line without < and >`,
			`4:34: gitlab.author.email: "nobody" is no mail address: write one such as lockstep@example.com`,
		},
	},
	{
		"a public server",
		"packages:\n",
		"server: {listen: ':8080'}\npackages:\n",
		[]string{
			"1:1: gitlab.webhook: missing: other machines can send hooks: write secret or signing, a reference such as env:GITLAB_WEBHOOK_SECRET",
			"4:1: server.url: missing: write the address under which people reach the server, such as https://lockstep.example.com",
			"4:1: server.token: missing: other machines can reach the API: write a reference such as env:LOCKSTEP_API_TOKEN, or let listen and url be loopback",
		},
	},
	{
		"a server behind a proxy",
		"packages:\n",
		"server: {url: https://lockstep.example.com}\npackages:\n",
		[]string{
			"1:1: gitlab.webhook: missing: other machines can send hooks: write secret or signing, a reference such as env:GITLAB_WEBHOOK_SECRET",
			"4:1: server.token: missing: other machines can reach the API: write a reference such as env:LOCKSTEP_API_TOKEN, or let listen and url be loopback",
		},
	},
	{
		"a bad port",
		"packages:\n",
		"server: {listen: localhost}\npackages:\n",
		[]string{
			`4:18: server.listen: "localhost" is no address to listen on: write host:port, such as 127.0.0.1:8080`,
		},
	},
	{
		"a store",
		"packages:\n",
		"store: mysql://x\npackages:\n",
		[]string{
			"4:8: store: want sqlite:PATH, postgres://… or a reference such as env:DATABASE_URL",
		},
	},
	{
		"a password in the store",
		"packages:\n",
		"store: postgres://me:hush@db/lockstep\npackages:\n",
		[]string{
			"4:8: store: the URL holds a password: put the whole URL into a reference such as env:DATABASE_URL",
		},
	},
	{
		"a password in the store's query",
		"packages:\n",
		"store: postgres://db/lockstep?password=hush\npackages:\n",
		[]string{
			"4:8: store: the URL holds a password: put the whole URL into a reference such as env:DATABASE_URL",
		},
	},
	{
		"a pattern",
		`'\d{4}\.\d+'`,
		"'('",
		[]string{
			"6:14: packages.mda.version: not a regular expression: error parsing regexp: missing closing ): `(`",
		},
	},
	{
		"tags",
		"{project: data/mda, name: 'v{version}'}",
		"{project: mda, name: 'v{verson}'}",
		[]string{
			"7:21: packages.mda.tags.project: not a project path: write it as it stands in GitLab's address after the host, such as group/project",
			"7:32: packages.mda.tags.name: unknown placeholder {verson}: did you mean version? (have version)",
		},
	},
}

func TestConfigMistakes(t *testing.T) {
	t.Parallel()
	for _, tt := range allBad() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := replaced(tt.old, tt.new)
			if text == smallConfig {
				t.Fatalf("%q is not in the file", tt.old)
			}
			_, err := ParseConfig("lockstep.yaml", []byte(text))
			if got := mistakes(err); !slices.Equal(got, tt.want) {
				t.Errorf("got  %s\nwant %s", strings.Join(got, "\n     "), strings.Join(tt.want, "\n     "))
			}
		})
	}
}

// FuzzParseConfig holds that no file makes the parser panic, and that whatever it
// refuses has a place.
func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(smallConfig))
	for _, tt := range allBad() {
		f.Add([]byte(replaced(tt.old, tt.new)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ParseConfig("lockstep.yaml", data)
		if err == nil {
			for _, lane := range c.Lanes() {
				if !configName.MatchString(lane) {
					t.Errorf("lane %q", lane)
				}
			}
			return
		}
		for _, one := range err.(interface{ Unwrap() []error }).Unwrap() {
			var e *ConfigError
			if !errors.As(one, &e) || e.Line < 1 || e.Column < 1 || e.Sentence == "" || strings.Contains(e.Error(), "\n") {
				t.Errorf("%#v", one)
			}
		}
	})
}
