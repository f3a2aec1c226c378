package bot

// What is refused of buckets, of data and of the tags that announce it.
var badData = []badConfig{
	{
		"names of buckets",
		"packages:\n",
		"buckets:\n  Preview: {name: mda}\n  a: {name: Mda}\n  b: {name: m}\n  c: {name: a..b}\n  d: {name: 192.168.0.1}\n  e: {name: -mda}\n  f: {name: xn--mda}\n  g: {}\n  h: {name: \"a\\tb\"}\npackages:\n",
		[]string{
			`5:3: buckets.Preview: "Preview" is no name: write 1 to 63 small letters, digits and -, beginning with a letter or digit`,
			`6:13: buckets.a.name: "Mda" is no bucket: write 3 to 63 small letters, digits, dots and dashes, as S3 takes them`,
			`7:13: buckets.b.name: "m" is no bucket: write 3 to 63 small letters, digits, dots and dashes, as S3 takes them`,
			`8:13: buckets.c.name: "a..b" is no bucket: write 3 to 63 small letters, digits, dots and dashes, as S3 takes them`,
			`9:13: buckets.d.name: "192.168.0.1" is no bucket: write 3 to 63 small letters, digits, dots and dashes, as S3 takes them`,
			`10:13: buckets.e.name: "-mda" is no bucket: write 3 to 63 small letters, digits, dots and dashes, as S3 takes them`,
			`11:13: buckets.f.name: "xn--mda" is no bucket: write 3 to 63 small letters, digits, dots and dashes, as S3 takes them`,
			"12:3: buckets.g.name: missing: write the bucket's own name, such as mda-preview",
			`13:13: buckets.h.name: "a\tb" is no bucket: write 3 to 63 small letters, digits, dots and dashes, as S3 takes them`,
		},
	},
	{
		"prefixes of buckets",
		"packages:\n",
		"buckets:\n  a: {name: mda-a, prefix: '{package}/'}\n  b: {name: mda-b, prefix: '{version}'}\n  c: {name: mda-c, prefix: '{version}/{version}/'}\n  d: {name: mda-d, prefix: '{verson}/'}\n  e: {name: mda-e, prefix: '/{version}/'}\n  f: {name: mda-f, prefix: '../{version}/'}\n  g: {name: mda-g, prefix: 'a b/{version}/'}\n  h: {name: mda-h, prefix: ''}\npackages:\n",
		[]string{
			`5:28: buckets.a.prefix: "{package}/" does not keep versions apart: write {version} in it once, and / at its end`,
			`6:28: buckets.b.prefix: "{version}" does not keep versions apart: write {version} in it once, and / at its end`,
			`7:28: buckets.c.prefix: "{version}/{version}/" does not keep versions apart: write {version} in it once, and / at its end`,
			"8:28: buckets.d.prefix: unknown placeholder {verson}: did you mean version? (have package, version)",
			`9:28: buckets.e.prefix: "/{version}/" is no prefix of keys: write parts that / separates, without spaces, .. or a leading /`,
			`10:28: buckets.f.prefix: "../{version}/" is no prefix of keys: write parts that / separates, without spaces, .. or a leading /`,
			`11:28: buckets.g.prefix: "a b/{version}/" is no prefix of keys: write parts that / separates, without spaces, .. or a leading /`,
			`12:28: buckets.h.prefix: "" does not keep versions apart: write {version} in it once, and / at its end`,
		},
	},
	{
		"buckets in each other",
		"packages:\n",
		"buckets:\n  live: {name: mda, prefix: 'x/{version}/live/'}\n  mirror: {name: mda, prefix: 'x/{version}/', endpoint: https://s3.example.com}\n  other: {name: mda, prefix: 'y/{version}/'}\n  preview: {name: mda, prefix: 'x/{version}/', region: eu-central-1}\n  same: {name: mda, prefix: 'y/{version}/'}\npackages:\n",
		[]string{
			`8:3: buckets.preview: its versions would lie among those of bucket "live": give each its own name or prefix`,
			`9:3: buckets.same: its versions would lie among those of bucket "other": give each its own name or prefix`,
		},
	},
	{
		"how a bucket is reached",
		"packages:\n",
		"buckets:\n  a: {name: mda-a, region: Frankfurt, role_arn: lockstep, external_id: x, endpoint: http://s3.example.com}\n  b: {name: mda-b, external_id: x}\n  c: {name: mda-c, colour: red}\npackages:\n",
		[]string{
			`5:49: buckets.a.role_arn: "lockstep" is no role: write its ARN, such as arn:aws:iam::123456789012:role/lockstep`,
			`5:72: buckets.a.external_id: "x" is no external id: write 2 to 1224 letters, digits and _ + = , . @ : / -`,
			"5:85: buckets.a.endpoint: http sends secrets in the clear: use https",
			"6:33: buckets.b.external_id: is of no use without role_arn: remove it, or write the role",
			"7:20: buckets.c.colour: unknown key: have endpoint, external_id, name, prefix, region, role_arn",
		},
	},
	{
		"packages in one place",
		"",
		changed(
			"    tags:", "    data: {bucket: preview}\n    tags:",
			"  offers:\n", "  offers:\n    data: {bucket: preview}\nbuckets:\n  preview: {name: mda, prefix: '{version}/'}\n",
		),
		[]string{
			"12:32: buckets.preview.prefix: packages mda and offers would share the place of a version: write {package} in it",
		},
	},
	{
		"data",
		"",
		changed(
			"    tags:", "    data: {bucket: preveiw, manifest: ../m.json}\n    tags:",
			"  offers:\n", "  offers:\n    data: {}\n  b:\n    data: {bucket: preview, manifest: m.json, listing: {}}\n  c:\n    data: {bucket: preview, listing: {keys: [/a, b, b, 'c d', ''], objects: 0}}\nbuckets:\n  preview: {name: mda}\n",
		),
		[]string{
			`7:20: packages.mda.data.bucket: unknown bucket "preveiw": did you mean preview? (have preview)`,
			`7:39: packages.mda.data.manifest: "../m.json" is no key of an object: write it as it is below the prefix, without spaces, .. or a leading /`,
			"10:5: packages.offers.data.bucket: missing: write the bucket in which versions are published",
			"12:47: packages.b.data.listing: manifest is given too: keep one of them",
			`14:46: packages.c.data.listing.keys[0]: "/a" is no key of an object: write it as it is below the prefix, without spaces, .. or a leading /`,
			`14:53: packages.c.data.listing.keys[2]: "b" is there twice: remove one`,
			`14:56: packages.c.data.listing.keys[3]: "c d" is no key of an object: write it as it is below the prefix, without spaces, .. or a leading /`,
			`14:63: packages.c.data.listing.keys[4]: "" is no key of an object: write it as it is below the prefix, without spaces, .. or a leading /`,
			"14:77: packages.c.data.listing.objects: 0 is no number of objects: write 1 or more",
		},
	},
	{
		"a bucket and data that nobody knows",
		"",
		changed(
			"    repository: env/mda\n", "    repository: env/mda\n    bucket: live\n",
			"  offers:\n", "  offers:\nbuckets:\n  live: {name: mda-live}\n",
		),
		[]string{
			`14:13: environments.int.bucket: track "integration" brings package "mda" here, and nobody knows where it is published: write packages.mda.data, or remove bucket`,
		},
	},
	{
		"data without buckets",
		"    version: '\\d{4}\\.\\d+'\n",
		"    version: '\\d{4}\\.\\d+'\n    data: {bucket: preview}\n",
		[]string{
			`7:20: packages.mda.data.bucket: unknown bucket "preview": none is configured`,
		},
	},
	{
		"an unknown bucket",
		"    repository: env/mda\n",
		"    repository: env/mda\n    bucket: live\n",
		[]string{
			`11:13: environments.int.bucket: unknown bucket "live": none is configured`,
		},
	},
	{
		"the form of tags",
		"name: 'v{version}'",
		"name: 'v {version}'",
		[]string{
			`7:37: packages.mda.tags.name: "v {version}" is no form of tags: write one such as v{version}`,
		},
	},
}
