package bot

// What is refused of environments, the parameters and the ways back included.
var badEnvironments = []badConfig{
	{
		"a parameter of two packages",
		"",
		changed(
			"    services:\n", "    record: {parameter: /mda/int}\n    services:\n      - {name: shop, file: int/mds.yaml, key: offers.version, package: offers}\n",
		),
		[]string{
			"12:25: environments.int.record.parameter: 2 packages have services here and would overwrite each other: write {package} in it",
		},
	},
	{
		"who merges and how it is put back",
		"    repository: env/mda\n",
		"    repository: env/mda\n    merge: nobody\n    rollback: {via: merge, attended: 'no', scope: run}\n",
		[]string{
			`11:12: environments.int.merge: "nobody" is not known: have bot, person`,
			`12:21: environments.int.rollback.via: "merge" is not known: have merge_request, push`,
			"12:38: environments.int.rollback.attended: want true or false, have a text",
			"12:44: environments.int.rollback.scope: unknown key: have attended, via",
		},
	},
	{
		"nothing is deployed",
		"    repository: env/mda\n",
		"",
		[]string{
			"9:3: environments.int.repository: missing: write the project's path, such as group/project",
		},
	},
	{
		"a parameter alone",
		"    repository: env/mda\n",
		"    deploy: {parameter: /mda/int}\n    branch: main\n    merge: person\n    rollback: {via: push}\n",
		[]string{
			"11:13: environments.int.branch: is of no use without repository: remove it, or write repository",
			"12:12: environments.int.merge: is of no use without repository: remove it, or write repository",
			"13:5: environments.int.rollback: is of no use without repository: remove it, or write repository",
			"15:9: environments.int.services[0]: no repository holds its file: write repository, or name alone",
		},
	},
	{
		"a parameter and a pipeline",
		"    repository: env/mda\n    services:\n      - {name: mds, file: int/mds.yaml, key: data.version}\n",
		"    deploy: {parameter: /mda/int}\n    services:\n      - {name: mds}\n      - {name: kv, key: data.version}\n      - {key: data.version}\n",
		[]string{
			`9:3: environments.int.sync.http: missing: a pipeline says nothing of service "mds", which has no file: write url, at which it says which version it runs`,
			"13:25: environments.int.services[1].key: is of no use without file: remove it, or write file",
			"14:9: environments.int.services[2]: no place of a value: write name, file and key, or glob and key, or helmfile and key",
		},
	},
	{
		"a parameter and a repository",
		"    repository: env/mda\n    services:\n      - {name: mds, file: int/mds.yaml, key: data.version}\n",
		"    repository: env/mda\n    deploy: {parameter: /mda/int}\n    services:\n      - {name: mds, file: int/mds.yaml, key: data.version}\n      - {name: kv}\n",
		[]string{
			`9:3: environments.int.sync.http: missing: a pipeline says nothing of service "kv", which has no file: write url, at which it says which version it runs`,
		},
	},
	{
		"names of parameters",
		"    repository: env/mda\n",
		"    repository: env/mda\n    deploy: {parameter: mda/int, external_id: 'a b', role_arn: 'arn:aws:iam::123456789012:role/x'}\n    record: {parameter: /ssm/mda}\n",
		[]string{
			`11:25: environments.int.deploy.parameter: "mda/int" is no parameter: write its name with letters, digits and _ . -, like /mda/int/data-version, not beginning with aws or ssm`,
			`11:47: environments.int.deploy.external_id: "a b" is no external id: write 2 to 1224 letters, digits and _ + = , . @ : / -`,
			`12:25: environments.int.record.parameter: "/ssm/mda" is no parameter: write its name with letters, digits and _ . -, like /mda/int/data-version, not beginning with aws or ssm`,
		},
	},
	{
		"a parameter twice",
		"tracks:\n",
		"  abn:\n    repository: env/abn\n    services:\n      - {name: mds, file: abn/mds.yaml, key: data.version}\n    deploy: {parameter: /x/mda, role_arn: 'arn:aws:iam::123456789012:role/a'}\n    record: {parameter: '/x/{package}', role_arn: 'arn:aws:iam::123456789012:role/b'}\n  lup:\n    repository: env/lup\n    services:\n      - {name: mds, file: lup/mds.yaml, key: data.version}\n    record: {parameter: /x/mda, role_arn: 'arn:aws:iam::210987654321:role/b'}\n  prd:\n    repository: env/prd\n    services:\n      - {name: mds, file: prd/mds.yaml, key: data.version}\n    record: {parameter: '/{environment}/v'}\ntracks:\n",
		[]string{
			"18:25: environments.abn.record.parameter: environments.abn.deploy names the same parameter, /x/mda: give each its own",
		},
	},
	{
		"a value twice",
		"      - {name: mds, file: int/mds.yaml, key: data.version}\n",
		"      - {name: mds, file: int/mds.yaml, key: data.version}\n      - {name: kv, file: int/mds.yaml, key: data.version}\n      - {glob: 'int/*.yaml', key: data.version}\n      - {glob: 'int/*.yaml', key: data.version}\n",
		[]string{
			"13:9: environments.int.services[1]: environments.int.services[0] names the same value: give each its own",
			"15:9: environments.int.services[3]: environments.int.services[2] names the same value: give each its own",
		},
	},
	{
		"helmfiles",
		"      - {name: mds, file: int/mds.yaml, key: data.version}\n",
		"      - {helmfile: helmfile.yaml, key: data.version}\n      - {helmfile: helmfile.yaml, environment: int, key: data.version}\n" +
			"      - {helmfile: other.yaml, name: mds, key: data.version}\n      - {glob: 'int/*.yaml', helmfile: helmfile.d, key: data.version}\n" +
			"      - {helmfile: ../helmfile.yaml}\n      - {name: kv, file: kv.yaml, key: data.version, environment: int}\n" +
			"      - {helmfile: helmfile.yaml, environment: other, key: data.version}\n",
		[]string{
			"13:9: environments.int.services[1]: environments.int.services[0] names the same value: give each its own",
			"14:9: environments.int.services[2]: has helmfile and more: write helmfile and key, or name, file and key",
			"15:9: environments.int.services[3]: has glob and more: write glob and key, or name, file and key, or helmfile and key",
			"16:9: environments.int.services[4].key: missing: write where the version stands in the file, such as data.version",
			`16:20: environments.int.services[4].helmfile: "../helmfile.yaml" is no file of a repository: write its path from the root, with / and without .. or a leading /`,
			"17:67: environments.int.services[5].environment: is of no use without helmfile: remove it, or write helmfile",
		},
	},
	{
		"how a deployment is asked for",
		"    repository: env/mda\n",
		"    repository: env/mda\n    sync: {job: deploy, http: {url: 'https://{srvice}/x', field: a..b}}\n",
		[]string{
			"11:17: environments.int.sync.job: http is given too: keep one of them",
			"11:37: environments.int.sync.http.url: unknown placeholder {srvice}: did you mean service? (have environment, service)",
			`11:66: environments.int.sync.http.field: "a..b" is no field of an answer: write names with dots between them, such as data.version`,
		},
	},
	{
		"where a deployment is asked for",
		"    repository: env/mda\n",
		"    repository: env/mda\n    sync: {http: {url: 'http://{service}.int.example.com/', token: env:T, field: \"a\\u200bb\"}}\n",
		[]string{
			"11:24: environments.int.sync.http.url: http sends secrets in the clear: use https",
			`11:82: environments.int.sync.http.field: "a\u200bb" is no field of an answer: write names with dots between them, such as data.version`,
		},
	},
	{
		"a deployment is asked for nowhere",
		"    repository: env/mda\n",
		"    repository: env/mda\n    sync: {http: {token: hush}}\n",
		[]string{
			"11:12: environments.int.sync.http.url: missing: write the address of a service, such as https://{service}.int.example.com/info",
			"11:26: environments.int.sync.http.token: want a reference, not the secret itself: write one such as env:HTTP_TOKEN",
		},
	},
	{
		"two ways back",
		"tracks:\n",
		"  abn:\n    repository: env/mda\n    rollback: {via: push}\n    services:\n      - {name: mds, file: abn/mds.yaml, key: data.version}\ntracks:\n  both:\n    lane: integration\n    stages: [{environment: abn}, {environment: int}]\n",
		[]string{
			"9:3: environments.int.rollback.via: env/mda is put back by merge_request here, and by push in another environment of track both: a rollback is one commit per repository, so let them share it",
		},
	},
	{
		"two branches",
		"tracks:\n",
		"  abn:\n    repository: env/mda\n    branch: abn\n    services:\n      - {name: mds, file: abn/mds.yaml, key: data.version}\ntracks:\n  both:\n    lane: integration\n    stages: [{environment: abn}, {environment: int}]\n",
		[]string{
			`21:48: tracks.both.stages[1].environment: environment "int" deploys branch main of env/mda, another stage of the track branch abn: a rollback is one commit per repository, so let them share the branch or give each its own track`,
		},
	},
}
