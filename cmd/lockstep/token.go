package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"lockstep/bot"
	"lockstep/bot/web"
)

// tokenCmd are the commands for tokens.
type tokenCmd struct {
	Create tokenCreateCmd `cmd:"" help:"Make a token; it is shown once."`
	List   tokenListCmd   `cmd:"" help:"List the tokens, without what is secret."`
	Revoke tokenRevokeCmd `cmd:"" help:"Let a token count no more."`
}

// tokenCreateCmd makes a token.
type tokenCreateCmd struct {
	serverFlag
	output
	Name    string   `arg:"" help:"Who will speak with it."`
	Scope   []string `help:"What it is for; may be repeated: read, run, approve, freeze or admin." required:"" placeholder:"SCOPE"`
	Expires string   `help:"How long it counts, or a time here; 90 days when left out." placeholder:"720h|'2027-01-31'"`
	By      string   `help:"Who makes it." env:"LOCKSTEP_USER,USER" placeholder:"NAME"`
}

// Help says more than one line.
func (tokenCreateCmd) Help() string {
	return `Whoever has a token speaks in its name, whatever the request says. Only a hash of it is
kept, so it cannot be shown again. Jobs of GitLab CI need none: see server.ci.

    lockstep token create nightly-job --scope run --expires 720h` + asksServer
}

// Run asks the server.
func (c *tokenCreateCmd) Run(ctx context.Context, con *console) error {
	api, err := c.client(ctx)
	if err != nil {
		return err
	}
	body := web.NewToken{Name: c.Name, By: c.By}
	if _, err := time.ParseDuration(c.Expires); err == nil {
		body.ExpiresIn = c.Expires
	} else {
		body.Expires = timeHere(c.Expires)
	}
	for _, s := range c.Scope {
		body.Scopes = append(body.Scopes, bot.TokenScope(s))
	}
	var made web.MadeToken
	if err := api.post(ctx, "tokens", body, &made); err != nil {
		return err
	}
	if c.Output == "json" {
		return con.json(made)
	}
	con.printf("%s\n", made.Secret)
	fmt.Fprintf(con.err, "token %s of %s counts until %s, and is not shown again\n", printable(made.Token.ID), printable(made.Token.Name), clock(made.Token.Expires))
	return nil
}

// tokenListCmd lists the tokens.
type tokenListCmd struct {
	serverFlag
	output
}

// Help says more than one line.
func (tokenListCmd) Help() string { return `The newest come first.` + asksServer }

// Run asks the server.
func (c *tokenListCmd) Run(ctx context.Context, con *console) error {
	api, err := c.client(ctx)
	if err != nil {
		return err
	}
	var list web.TokenList
	if err := api.get(ctx, "tokens", &list); err != nil {
		return err
	}
	if c.Output == "json" {
		return con.json(list.Tokens)
	}
	table := con.table()
	row(table, "ID", "NAME", "SCOPES", "MADE BY", "MADE", "EXPIRES", "USED", "STATE")
	for _, t := range list.Tokens {
		row(table, t.ID, t.Name, scopes(t), t.By, clock(t.Made), clock(t.Expires), clock(t.Used), tokenState(t))
	}
	return table.Flush()
}

// scopes lists the scopes of a token.
func scopes(t bot.Token) string {
	var names []string
	for _, s := range t.Scopes {
		names = append(names, string(s))
	}
	return strings.Join(names, ", ")
}

// tokenState says whether a token counts.
func tokenState(t bot.Token) string {
	switch {
	case !t.Revoked.IsZero():
		return "revoked by " + cmp.Or(t.RevokedBy, "somebody")
	case !now().Before(t.Expires):
		return "expired"
	}
	return "counts"
}

// tokenRevokeCmd revokes a token.
type tokenRevokeCmd struct {
	serverFlag
	output
	ID string `arg:"" help:"The token's id." name:"token"`
	By string `help:"Who revokes it." env:"LOCKSTEP_USER,USER" placeholder:"NAME"`
}

// Help says more than one line.
func (tokenRevokeCmd) Help() string {
	return `"lockstep token list" lists the ids. It counts no more from now on, and stays in the
list and in the audit log.` + asksServer
}

// Run asks the server.
func (c *tokenRevokeCmd) Run(ctx context.Context, con *console) error {
	api, err := c.client(ctx)
	if err != nil {
		return err
	}
	var t bot.Token
	path := "tokens/" + segment(c.ID) + "?" + url.Values{"by": {c.By}}.Encode()
	if err := api.do(ctx, call{method: http.MethodDelete, path: path}, &t); err != nil {
		return err
	}
	if c.Output == "json" {
		return con.json(t)
	}
	con.printf("token %s of %s counts no more\n", t.ID, t.Name)
	return nil
}
