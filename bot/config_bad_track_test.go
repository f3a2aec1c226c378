package bot

var badTracks = []badConfig{
	{
		"names",
		"  mda:\n",
		"  MDA_1:\n",
		[]string{
			`5:3: packages.MDA_1: "MDA_1" is no name: write 1 to 63 small letters, digits and -, beginning with a letter or digit`,
		},
	},
	{
		"a second package",
		"environments:\n",
		"  offers:\nenvironments:\n",
		[]string{
			"13:9: environments.int.services[0].package: missing: write whose version it is (have mda, offers)",
		},
	},
	{
		"branch and job",
		"    repository: env/mda\n",
		"    repository: https://gitlab.example.com/env/mda.git\n    branch: ../main\n    sync: {job: 'deploy-{env}-{service}'}\n",
		[]string{
			"10:17: environments.int.repository: not a project path: write it as it stands in GitLab's address after the host, such as group/project",
			`11:13: environments.int.branch: "../main" is no branch or tag: write its name, such as main`,
			"12:17: environments.int.sync.job: unknown placeholder {env}: have environment, service",
		},
	},
	{
		"services",
		"      - {name: mds, file: int/mds.yaml, key: data.version}\n",
		"      - {name: mds, file: ../mds.yaml, key: data.version}\n      - {name: mds, file: int/b.yaml}\n      - {glob: int/**/x.yaml, key: data..version}\n      - {glob: 'int/*.yaml', name: kv, key: data.version}\n      - {key: data.version}\n      - {file: int/c.yaml, key: data.version, package: mdb}\n",
		[]string{
			`12:27: environments.int.services[0].file: "../mds.yaml" is no file of a repository: write its path from the root, with / and without .. or a leading /`,
			"13:9: environments.int.services[1].key: missing: write where the version stands in the file, such as data.version",
			`13:16: environments.int.services[1].name: service "mds" is there twice: remove one`,
			`14:16: environments.int.services[2].glob: pattern "int/**/x.yaml": ** is not supported: write one * per directory`,
			`14:36: environments.int.services[2].key: key "data..version": at 6: want a name, have ".version": put names with special characters in double quotes`,
			"15:9: environments.int.services[3]: has glob and more: write glob and key, or name, file and key, or helmfile and key",
			"16:9: environments.int.services[4]: no place of a value: write name, file and key, or glob and key, or helmfile and key",
			"17:9: environments.int.services[5].name: missing: write the service's name",
			`17:56: environments.int.services[5].package: unknown package "mdb": did you mean mda? (have mda)`,
		},
	},
	{
		"no services",
		"    services:\n      - {name: mds, file: int/mds.yaml, key: data.version}\n",
		"",
		[]string{
			`9:3: environments.int.services: no service of package "mda", which track "integration" brings here: list one, or write a glob`,
		},
	},
	{
		"a record",
		"    repository: env/mda\n",
		"    repository: env/mda\n    record: {parameter: '/mda/{env}/x', region: a b, external_id: x, endpoint: http://ssm.example.com}\n",
		[]string{
			"11:25: environments.int.record.parameter: unknown placeholder {env}: have environment, package",
			`11:49: environments.int.record.region: "a b" is no AWS region: write one such as eu-central-1`,
			"11:67: environments.int.record.external_id: is of no use without role_arn: remove it, or write the role",
			"11:80: environments.int.record.endpoint: http sends secrets in the clear: use https",
		},
	},
	{
		"a record's name and role",
		"    repository: env/mda\n",
		"    repository: env/mda\n    record: {parameter: 'mda int', role_arn: lockstep, region: Frankfurt}\n",
		[]string{
			`11:25: environments.int.record.parameter: "mda int" is no parameter: write its name with letters, digits and _ . -, like /mda/int/data-version, not beginning with aws or ssm`,
			`11:46: environments.int.record.role_arn: "lockstep" is no role: write its ARN, such as arn:aws:iam::123456789012:role/lockstep`,
			`11:64: environments.int.record.region: "Frankfurt" is no AWS region: write one such as eu-central-1`,
		},
	},
	{
		"a record without a name",
		"    repository: env/mda\n",
		"    repository: env/mda\n    record: {}\n",
		[]string{
			"11:5: environments.int.record.parameter: missing: write the parameter's name, such as /mda/int/data-version",
		},
	},
	{
		"one value, two environments",
		"tracks:\n",
		"  abn:\n    repository: env/mda\n    services:\n      - {name: kv, file: int/mds.yaml, key: data.version}\ntracks:\n",
		[]string{
			`12:9: environments.int.services[0]: environments.abn.services[0] names the same value: give each its own`,
		},
	},
	{
		"the branch of rollbacks",
		"tracks:\n",
		"  back:\n    repository: env/back\ntracks:\n",
		[]string{
			"13:3: environments.back: lockstep/<run>-back begins the branch of a rollback: choose another name",
		},
	},
	{
		"a track",
		"    on: [tag]\n    stages:\n",
		"    on: [tags]\n    packages: [mda, mdb, mda]\n    lane: Fast\n    supersede: wait\n    notify: [chat]\n    stages:\n",
		[]string{
			`15:10: tracks.integration.on[0]: "tags" is not known: did you mean tag? (have hook, listing, pipeline, push, release, tag)`,
			`16:21: tracks.integration.packages[1]: unknown package "mdb": did you mean mda? (have mda)`,
			`16:26: tracks.integration.packages[2]: package "mda" is there twice: remove one`,
			`17:11: tracks.integration.lane: "Fast" is no name: write 1 to 63 small letters, digits and -, beginning with a letter or digit`,
			`18:16: tracks.integration.supersede: "wait" is not known: have none, waiting`,
			`19:14: tracks.integration.notify[0]: unknown channel "chat": none is configured`,
		},
	},
	{
		"an empty track",
		"    on: [tag]\n",
		"    packages: []\n    on: [tag]\n  empty:\n    stages: []\n  full:\n",
		[]string{
			"14:3: tracks.integration.stages: no stage: name at least one environment",
			"15:5: tracks.integration.packages: the list is empty: name packages, or remove it for all",
			"16:10: tracks.integration.on[0]: no package of the track has tags: write them under packages, or remove tag",
			"18:5: tracks.empty.stages: no stage: name at least one environment",
		},
	},
	{
		"a tag that nobody sets",
		"    tags: {project: data/mda, name: 'v{version}'}\n",
		"",
		[]string{
			"14:10: tracks.integration.on[0]: no package of the track has tags: write them under packages, or remove tag",
		},
	},
	{
		"stages",
		"      - environment: int\n        gates:",
		"      - environment: int\n      - environment: itn\n      - {}\n      - environment: int\n        gates:",
		[]string{
			`18:22: tracks.integration.stages[1].environment: unknown environment "itn": have int`,
			"19:9: tracks.integration.stages[2].environment: missing: write the name of an environment",
			`20:22: tracks.integration.stages[3].environment: environment "int" is there twice: a track goes through it once`,
		},
	},
	{
		"lanes",
		"tracks:\n",
		"tracks:\n  hotfix:\n    stages: [{environment: int}]\n",
		[]string{
			`19:22: tracks.integration.stages[0].environment: tracks "hotfix" and "integration" share environment "int" but not a lane: write the same lane in both`,
		},
	},
	{
		"gates",
		"            pipeline: {project: qa/int-test}\n",
		"            pipeline: {project: qa, ref: 'a b', variables: {LOCKSTEP_GATE: x, 1A: y, V: '{verison}'}}\n          - name: int-test\n          - pipeline: {project: qa/e2e}\n            allow_failure: 'yes'\n",
		[]string{
			"20:33: tracks.integration.stages[0].gates[0].pipeline.project: not a project path: write it as it stands in GitLab's address after the host, such as group/project",
			`20:42: tracks.integration.stages[0].gates[0].pipeline.ref: "a b" is no branch or tag: write its name, such as main`,
			"20:76: tracks.integration.stages[0].gates[0].pipeline.variables.LOCKSTEP_GATE: Lockstep sets this variable itself: choose another name",
			`20:83: tracks.integration.stages[0].gates[0].pipeline.variables.1A: "1A" is no variable: write letters, digits and _, not beginning with a digit`,
			"20:89: tracks.integration.stages[0].gates[0].pipeline.variables.V: unknown placeholder {verison}: did you mean version? (have commit, environment, package, run, track, version)",
			"21:13: tracks.integration.stages[0].gates[1]: no kind of gate: write pipeline, http, prometheus, approval, callback, soak or data",
			`21:19: tracks.integration.stages[0].gates[1].name: gate "int-test" is there twice in the stage: give each its own name`,
			"22:13: tracks.integration.stages[0].gates[2].name: missing: write the gate's name, such as int-test",
			"23:28: tracks.integration.stages[0].gates[2].allow_failure: want true or false, have a text",
		},
	},
	{
		"channels",
		"tracks:\n",
		"notify:\n  mail: {}\n  none: {rocketchat: {}}\n  rest: {rocketchat: {url: https://chat.example.com, room: '#x'}}\n  both: {rocketchat: {hook: env:HOOK, room: x}}\n  leak: {rocketchat: {hook: https://chat.example.com/hooks/1/hush}}\ntracks:\n",
		[]string{
			"14:3: notify.mail: no kind of channel: write one of rocketchat, slack, mattermost, teams, mail and webhook",
			"15:10: notify.none.rocketchat: nothing is there: write url, user, token and room, or hook",
			"16:10: notify.rest.rocketchat.user: missing: write a reference such as env:ROCKETCHAT_USER",
			"16:10: notify.rest.rocketchat.token: missing: write a reference such as env:ROCKETCHAT_TOKEN",
			`16:60: notify.rest.rocketchat.room: "#x" is no room: write its name without #`,
			"17:10: notify.both.rocketchat: has hook and more: write hook alone, or url, user, token and room",
			"18:29: notify.leak.rocketchat.hook: want a reference, not the secret itself: write one such as env:ROCKETCHAT_HOOK",
		},
	},
	{
		"channels of other kinds",
		"tracks:\n",
		"notify:\n  two: {teams: {hook: env:T}, slack: {hook: env:S}}\n  slack: {slack: {}}\n  name: {slack: {token: env:T, channel: '#data'}}\n  gov: {slack: {hook: env:T, url: https://slack-gov.com}}\n" +
			"  mm: {mattermost: {url: http://chat.example.com, token: env:T, team: Data, channel: town hall}}\n  none: {mattermost: {}}\n  both: {mattermost: {hook: env:H, team: x}}\n  teams: {teams: {}}\n" +
			"  mail: {mail: {server: smtp.example.com, user: env:U, from: Lockstep <a@example.com>, to: [x]}}\n  plain: {mail: {server: 'smtp.example.com:25', tls: none, password: env:P, from: a@example.com}}\n" +
			"  odd: {mail: {tls: ssl}}\n  hook: {webhook: {url: https://example.com/hush}}\n  deaf: {teams: {hook: env:T}, on: [], results: [failed, success, success]}\n  notes: {teams: {hook: env:T}, on: [note, finsh]}\ntracks:\n",
		[]string{
			"14:3: notify.two: several kinds of channel: make a channel of each, with its own name",
			"15:11: notify.slack.slack: nothing is there: write token and channel, or hook",
			`16:41: notify.name.slack.channel: "#data" is no id of a channel: write it as Slack shows it at the end of what it tells about the channel, such as C0123456789`,
			"17:9: notify.gov.slack: has hook and more: write hook alone, or token and channel",
			"18:26: notify.mm.mattermost.url: http sends secrets in the clear: use https",
			`18:71: notify.mm.mattermost.team: "Data" is no name of a team: write it as it stands in addresses, in small letters`,
			`18:86: notify.mm.mattermost.channel: "town hall" is no name of a channel: write it as it stands in addresses, in small letters`,
			"19:10: notify.none.mattermost: nothing is there: write url, token, team and channel, or hook",
			"20:10: notify.both.mattermost: has hook and more: write hook alone, or url, token, team and channel",
			"21:11: notify.teams.teams.hook: missing: write a reference such as env:TEAMS_HOOK to the URL of the workflow",
			"22:10: notify.mail.mail.password: missing: write a reference such as env:SMTP_PASSWORD, or remove user",
			`22:25: notify.mail.mail.server: "smtp.example.com" is no mail server: write name:port, such as smtp.example.com:587`,
			`22:62: notify.mail.mail.from: "Lockstep <a@example.com>" is no mail address: write one such as data@example.com`,
			`22:93: notify.mail.mail.to[0]: "x" is no mail address: write one such as data@example.com`,
			"23:11: notify.plain.mail.user: missing: write a reference such as env:SMTP_USER, or remove password",
			"23:11: notify.plain.mail.to: missing: write a list of addresses, such as [data@example.com]",
			"23:54: notify.plain.mail.tls: none sends mail and password in the clear: use starttls or implicit",
			"24:9: notify.odd.mail.from: missing: write an address such as lockstep@example.com",
			"24:9: notify.odd.mail.to: missing: write a list of addresses, such as [data@example.com]",
			`24:21: notify.odd.mail.tls: "ssl" is not known: have implicit, none, starttls`,
			"25:10: notify.hook.webhook.secret: missing: write a reference such as env:NOTIFY_SECRET",
			"25:25: notify.hook.webhook.url: want a reference, not the secret itself: write one such as env:WEBHOOK_URL",
			"26:32: notify.deaf.on: nothing would be told here: write some of start, finish and call, or remove the key",
			`26:50: notify.deaf.results[0]: unknown word "failed": have cancelled, refused, rollback failed, rolled back, success, warnings`,
			`26:67: notify.deaf.results[2]: word "success" is there twice: remove one`,
			`27:38: notify.notes.on[0]: unknown word "note": have call, finish, start`,
			`27:44: notify.notes.on[1]: unknown word "finsh": did you mean finish? (have call, finish, start)`,
		},
	},
	{
		"limits",
		"tracks:\n",
		"limits: {unknown: soon, first_wait: 1m, person_wait: 2s}\ntracks:\n",
		[]string{
			"13:1: limits.longest_wait: 30s is shorter than first_wait, 1m0s",
			`13:19: limits.unknown: "soon" is no duration: write one such as 90s, 30m or 1h30m`,
			"13:54: limits.person_wait: 2s is shorter than first_wait, 1m0s",
		},
	},
	{
		"from a track of other packages",
		"",
		changed(
			"    on: [tag]\n", "    from: other\n",
			"tracks:\n", "tracks:\n  other: {lane: integration, packages: [offers], stages: []}\n",
		),
		[]string{
			"15:50: tracks.other.stages: no stage: name at least one environment",
			`17:11: tracks.integration.from: package "mda" does not go through track "other": add it there, or leave it out here`,
		},
	},
	{
		"a scope",
		"    on: [tag]\n",
		"    on: [tag]\n    rollback: {scope: all}\n",
		[]string{
			`16:23: tracks.integration.rollback.scope: "all" is not known: have run, stage`,
		},
	},
	{
		"from a track that is not there",
		"    on: [tag]\n",
		"    from: nightly\n",
		[]string{
			`15:11: tracks.integration.from: unknown track "nightly": have integration`,
		},
	},
	{
		"from and tags",
		"tracks:\n",
		"tracks:\n  nightly:\n    lane: integration\n    stages: [{environment: int}]\n    from: integration\n    on: [tag]\n",
		[]string{
			`17:11: tracks.nightly.from: a new tag has not finished track "integration" yet, so it would always be refused: remove from, or tag from on`,
		},
	},
	{
		"from in a circle",
		"tracks:\n",
		"tracks:\n  a: {from: b, lane: integration, stages: [{environment: int}]}\n  b: {from: a, lane: integration, stages: [{environment: int}]}\n  c: {from: a, lane: integration, stages: [{environment: int}]}\n  d: {from: d, lane: integration, stages: [{environment: int}]}\n",
		[]string{
			`14:13: tracks.a.from: track "a" leads back to itself: no version could ever go this way`,
			`15:13: tracks.b.from: track "b" leads back to itself: no version could ever go this way`,
			`17:13: tracks.d.from: track "d" leads back to itself: no version could ever go this way`,
		},
	},
}
