package bot

const tagsOfSmall = "    tags: {project: data/mda, name: 'v{version}'}\n"

var badAnnouncements = []badConfig{
	{
		"announcements that lack everything",
		tagsOfSmall,
		"    tags: {}\n    releases: {}\n    pipelines: {}\n    pushes: {}\n    hook: {}\n    listing: {}\n",
		[]string{
			"7:5: packages.mda.tags.project: missing: write the project's path, such as group/project",
			"8:5: packages.mda.releases.project: missing: write the project's path, such as group/project",
			"9:5: packages.mda.pipelines.project: missing: write the project's path, such as group/project",
			"10:5: packages.mda.pushes.project: missing: write the project's path, such as group/project",
			"10:5: packages.mda.pushes.file: missing: write the file that holds the version, such as VERSION",
			"11:5: packages.mda.hook.secret: missing: write a reference such as env:HOOK_SECRET",
			"12:5: packages.mda.listing: nobody knows where the package is published: write packages.mda.data",
		},
	},
	{
		"forms of tags",
		tagsOfSmall,
		"    tags: {project: data/mda, name: v}\n    releases: {project: data/mda, name: '{version}-{version}'}\n    pipelines: {project: data/mda, name: 'v {version}'}\n",
		[]string{
			`7:37: packages.mda.tags.name: "v" does not say where the version stands: write {version} in it once`,
			`8:41: packages.mda.releases.name: "{version}-{version}" does not say where the version stands: write {version} in it once`,
			`9:42: packages.mda.pipelines.name: "v {version}" is no form of tags: write one such as v{version}`,
		},
	},
	{
		"pipelines of a branch and of tags",
		tagsOfSmall,
		tagsOfSmall + "    pipelines: {project: data/mda, branch: main, name: 'v{version}', protected: false, key: a..b}\n",
		[]string{
			"8:5: packages.mda.pipelines.file: missing: write the file that holds the version, such as VERSION",
			"8:56: packages.mda.pipelines.name: is about tags, and branch is given: keep one of them",
			"8:70: packages.mda.pipelines.protected: is about tags, and branch is given: keep one of them",
			`8:93: packages.mda.pipelines.key: key "a..b": at 3: want a name, have ".b": put names with special characters in double quotes`,
		},
	},
	{
		"pipelines of tags with a file",
		tagsOfSmall,
		tagsOfSmall + "    pipelines: {project: data/mda, file: VERSION}\n    pushes: {project: data/mda, branch: 'a b', file: /VERSION, poll: 0s}\n",
		[]string{
			"8:42: packages.mda.pipelines.file: is of no use without branch, the version stands in the name of the tag: remove it, or write the branch",
			`9:41: packages.mda.pushes.branch: "a b" is no branch or tag: write its name, such as main`,
			`9:54: packages.mda.pushes.file: "/VERSION" is no file of a repository: write its path from the root, with / and without .. or a leading /`,
			"9:70: packages.mda.pushes.poll: 0s is not above zero",
		},
	},
	{
		"a secret in the file",
		tagsOfSmall,
		tagsOfSmall + "    hook: {secret: hunter2}\n",
		[]string{
			"8:20: packages.mda.hook.secret: want a reference, not the secret itself: write one such as env:HOOK_SECRET",
		},
	},
	{
		"what nobody announces",
		"    on: [tag]\n",
		"    on: [tag, tag, release, pipeline, push, hook, listing]\n",
		[]string{
			"15:15: tracks.integration.on[1]: tag is there twice: remove one",
			"15:20: tracks.integration.on[2]: no package of the track has releases: write them under packages, or remove release",
			"15:29: tracks.integration.on[3]: no package of the track has pipelines: write them under packages, or remove pipeline",
			"15:39: tracks.integration.on[4]: no package of the track has pushes: write them under packages, or remove push",
			"15:45: tracks.integration.on[5]: no package of the track has a hook: write it under packages, or remove hook",
			"15:51: tracks.integration.on[6]: no package of the track has a listing: write it under packages, or remove listing",
		},
	},
	{
		"a release that starts both tracks",
		"tracks:\n  integration:\n    on: [tag]\n",
		"tracks:\n  nightly: {lane: integration, from: integration, on: [release], stages: [{environment: int}]}\n  integration:\n    on: [release]\n",
		[]string{
			"14:38: tracks.nightly.from: a release starts track \"integration\" as well, and a new one has not finished it yet: remove from, or release from on in one of them",
			"14:56: tracks.nightly.on[0]: no package of the track has releases: write them under packages, or remove release",
			"16:10: tracks.integration.on[0]: no package of the track has releases: write them under packages, or remove release",
		},
	},
}
