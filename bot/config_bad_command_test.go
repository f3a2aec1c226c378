package bot

var badCommands = []badConfig{
	{
		"commands",
		"tracks:\n",
		"commands:\n  levels:\n    promote: devloper\n    rollback: 30\n    freeze: Maintainer\n    deploy: developer\n    help: [guest]\n    why: nobody\n  rights: {}\ntracks:\n",
		[]string{
			`15:14: commands.levels.promote: "devloper" is not known: did you mean developer? (have developer, guest, maintainer, nobody, owner, reporter)`,
			`16:15: commands.levels.rollback: "30" is not known: have developer, guest, maintainer, nobody, owner, reporter`,
			`17:13: commands.levels.freeze: "Maintainer" is not known: did you mean maintainer? (have developer, guest, maintainer, nobody, owner, reporter)`,
			`18:5: commands.levels.deploy: unknown key: have cancel, confirm, deny, freeze, help, hold, promote, queue, resume, retry, rollback, thaw, why`,
			`19:5: commands.levels.help: want a text, have a list`,
			`21:3: commands.rights: unknown key: have levels`,
		},
	},
}
