package main

import (
	"context"
	"strings"
	"time"

	"lockstep/bot"
)

// tokenField is where the configuration has GitLab's token.
const tokenField = "gitlab.token"

// soon is how long before its end a token is worth a note.
const soon = 30 * 24 * time.Hour

// checkGitLab asks which GitLab it is, who the bot is there, and what it may do in each
// project. One line that is BAD says that GitLab answers nothing else.
func (o *outside) checkGitLab(ctx context.Context, cfg *bot.Config) []checked {
	token := o.checkToken(ctx, cfg.GitLab.URL)
	if !token.OK {
		return []checked{token}
	}
	user, err := o.gitlab.User(ctx)
	if err != nil {
		return []checked{bad(tokenField, "%v: see that gitlab.url is right, and that the token counts and has the scope api", err)}
	}
	all := append(o.checkEdition(ctx, cfg), fine(tokenField, "belongs to %s", user.Username), token)
	for _, p := range uses(cfg) {
		all = append(all, o.checkProject(ctx, cfg, p)...)
	}
	return all
}

// checkEdition says which GitLab it is, and what it does to commands.
func (o *outside) checkEdition(ctx context.Context, cfg *bot.Config) []checked {
	meta, err := o.gitlab.Metadata(ctx)
	all := []checked{verdict(cfg.GitLab.URL, err, "GitLab "+meta.Version)}
	if err == nil && meta.Enterprise {
		all = append(all, aside(cfg.GitLab.URL, "the Enterprise build takes /promote in a comment for a command of its own: write /lockstep promote"))
	}
	return all
}

// checkToken says what the token is good for, and until when, or that nobody answers at
// the address.
func (o *outside) checkToken(ctx context.Context, address string) checked {
	token, known, err := o.gitlab.Token(ctx)
	left := token.Ends.Sub(now())
	switch {
	case err != nil:
		return bad(address, "%v: see that gitlab.url is right, and that this machine reaches it", err)
	case !known:
		return aside(tokenField, "GitLab does not say which scopes it has and when it ends: look where it was made, it needs the scope api")
	case !token.Has("api"):
		return bad(tokenField, "has the scopes %s and not api: make a token with the scope api and put it in the place of this one", strings.Join(token.Scopes, ", "))
	case token.Ends.IsZero():
		return fine(tokenField, "has the scope api and does not end")
	case left < soon:
		return aside(tokenField, "ends on %s, in %d days: make a new one and put it in the place of this one", token.Ends.Format(time.DateOnly), int(left.Hours()/24))
	}
	return fine(tokenField, "has the scope api and ends on %s", token.Ends.Format(time.DateOnly))
}
