package trigger

import (
	"context"
	"fmt"

	"lockstep/bot"
)

// An asker is who has written a comment. What is known of them is not kept longer than
// the comment is looked at.
type asker struct {
	forum    Forum
	user     int64
	name     string
	standing map[string]standing // by project
	program  *bool               // whether the account is that of a program; nil: not asked yet
}

// A standing is what somebody is in a project.
type standing struct {
	level  bot.Level
	active bool
}

// refusal says why somebody may not give a command with the verb, which needs a level in
// all of projects; "" when they may. The lowest of what they are there counts. An error
// means that nobody could tell.
func (a *asker) refusal(ctx context.Context, verb bot.Verb, need bot.Level, projects []string) (string, error) {
	if need == bot.LevelNobody {
		return fmt.Sprintf("%s is switched off in comments: nobody may write it here", verb), nil
	}
	lowest, where := standing{level: bot.LevelNobody, active: true}, ""
	for _, project := range projects {
		s, err := a.in(ctx, project)
		if err != nil {
			return "", err
		}
		if !s.active && s.level > bot.LevelNone {
			return fmt.Sprintf("the account %s is not active in %s, and may not give commands", a.name, project), nil
		}
		if s.level < lowest.level {
			lowest, where = s, project
		}
	}
	if lowest.level >= need {
		return a.nobody(ctx)
	}
	return fmt.Sprintf("%s needs the role %s in %s, and %s is %s there: please ask somebody who has it", verb, need, where, a.name, lowest.level), nil
}

// nobody says why an account that has every right is no person's; "" when it may be.
func (a *asker) nobody(ctx context.Context) (string, error) {
	if bot.Reserved(a.name) {
		return fmt.Sprintf("the name %s stands for others in what Lockstep keeps: its holder may give no commands", a.name), nil
	}
	if a.program == nil {
		program, err := a.forum.Program(ctx, a.user)
		if err != nil {
			return "", err
		}
		a.program = &program
	}
	if *a.program {
		return fmt.Sprintf("%s is the account of a program: programs give their commands to the API, with a token of their own", a.name), nil
	}
	return "", nil
}

// in returns what somebody is in a project.
func (a *asker) in(ctx context.Context, project string) (standing, error) {
	if s, ok := a.standing[project]; ok {
		return s, nil
	}
	level, active, err := a.forum.Member(ctx, project, a.user)
	if missing(err) {
		level, active, err = 0, true, nil
	}
	if err != nil {
		return standing{}, err
	}
	a.standing[project] = standing{bot.Level(level), active}
	return a.standing[project], nil
}
