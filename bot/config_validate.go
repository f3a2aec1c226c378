package bot

import (
	"net"
	"net/mail"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// validate checks everything that was read, and notes all mistakes.
func (c *Config) validate(k *configCheck) {
	c.GitLab.validate(k)
	c.Server.validate(k, c.GitLab.Webhook)
	c.validateStore(k)
	c.validateBuckets(k)
	c.validatePackages(k)
	for _, name := range sortedKeys(c.Environments) {
		c.validateEnvironment(k, name)
	}
	if len(c.Environments) == 0 {
		k.fail("environments", "no environment: describe at least one")
	}
	c.validatePlaces(k)
	c.validateTracks(k)
	c.validateCallbacks(k)
	c.validateCI(k)
	for _, name := range sortedKeys(c.Notify) {
		c.Notify[name].validate(k, name)
	}
	c.Commands.validate(k)
	c.Waits.validate(k)
}

func (g GitLabConfig) validate(k *configCheck) {
	if k.given("gitlab.url", g.URL, "GitLab's address, such as https://gitlab.example.com") {
		k.url("gitlab.url", g.URL)
	}
	if strings.HasSuffix(g.URL, "/api/v4") {
		k.fail("gitlab.url", "leave out /api/v4")
	}
	if g.Rate < 1 || g.Rate > 1000 {
		k.fail("gitlab.rate", "%d is no rate: write 1 to 1000 requests a second", g.Rate)
	}
	k.given("gitlab.token", g.Token.Text, "a reference such as env:GITLAB_TOKEN")
	if g.Author.Name == "" || strings.ContainsAny(g.Author.Name, "<>") || strings.ContainsFunc(g.Author.Name, hidden) || len(g.Author.Name) > 200 {
		k.fail("gitlab.author.name", "%q is no author of a commit: write one line without < and >", shortened(g.Author.Name))
	}
	if a, err := mail.ParseAddress(g.Author.Email); k.stands("gitlab.author.email") && (err != nil || a.Address != g.Author.Email) {
		k.fail("gitlab.author.email", "%q is no mail address: write one such as lockstep@example.com", shortened(g.Author.Email))
	}
}

// validate checks the server. Whoever can be reached from other machines has to know
// who calls.
func (s ServerConfig) validate(k *configCheck, hook WebhookConfig) {
	k.oneOf("server.metrics", s.Metrics, "token", "open")
	_, port, err := net.SplitHostPort(s.Listen)
	if _, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil {
		k.fail("server.listen", "%q is no address to listen on: write host:port, such as 127.0.0.1:8080", shortened(s.Listen))
		return
	}
	switch {
	case k.stands("server.url"):
		k.url("server.url", s.URL)
	case !loopbackListen(s.Listen):
		k.fail("server.url", "missing: write the address under which people reach the server, such as https://lockstep.example.com")
	}
	if loopbackListen(s.Listen) && loopbackURL(s.URL) {
		return
	}
	if !k.has("server.token", s.Token) {
		k.fail("server.token", "missing: other machines can reach the API: write a reference such as env:LOCKSTEP_API_TOKEN, or let listen and url be loopback")
	}
	if !k.has("gitlab.webhook.secret", hook.Secret) && !k.has("gitlab.webhook.signing", hook.Signing) {
		k.fail("gitlab.webhook", "missing: other machines can send hooks: write secret or signing, a reference such as env:GITLAB_WEBHOOK_SECRET")
	}
}

// loopbackURL reports that address leads to this machine.
func loopbackURL(address string) bool {
	u, err := url.Parse(address)
	return err == nil && loopback(u.Hostname())
}

func (c *Config) validateStore(k *configCheck) {
	switch path, sqlite := strings.CutPrefix(c.Store, "sqlite:"); {
	case IsReference(c.Store):
		c.storeAt = Reference{Text: c.Store, Field: "store", Line: k.place("store").line}
	case sqlite && path != "":
	case strings.HasPrefix(c.Store, "postgres://"), strings.HasPrefix(c.Store, "postgresql://"):
		c.validatePostgres(k)
	default:
		k.fail("store", "want sqlite:PATH, postgres://… or a reference such as env:DATABASE_URL")
	}
}

// validatePostgres refuses a password in the URL without repeating the URL.
func (c *Config) validatePostgres(k *configCheck) {
	u, err := url.Parse(c.Store)
	if err != nil {
		k.fail("store", "not a PostgreSQL URL: write one such as postgres://user@host/database")
		return
	}
	if _, secret := u.User.Password(); secret || u.Query().Has("password") || u.Query().Has("sslpassword") {
		k.fail("store", "the URL holds a password: put the whole URL into a reference such as env:DATABASE_URL")
	}
}

func (c *Config) validatePackages(k *configCheck) {
	if len(c.Packages) == 0 {
		k.fail("packages", "no data package: describe at least one")
	}
	for _, name := range sortedKeys(c.Packages) {
		field := "packages." + name
		k.name(field, name)
		p := c.Packages[name]
		if pattern, err := regexp.Compile(p.Version); err != nil {
			k.fail(field+".version", "not a regular expression: %v", err)
		} else if p.Version != "" {
			pattern.Longest()
			p.pattern = pattern
		}
		p.validateAnnouncements(k, field)
		if p.Data != nil {
			p.Data.validate(k, field+".data", sortedKeys(c.Buckets))
		}
	}
}

func (l LimitsConfig) validate(k *configCheck) {
	if l.LongestWait < l.FirstWait {
		k.fail("limits.longest_wait", "%s is shorter than first_wait, %s", l.LongestWait, l.FirstWait)
	}
	if l.PersonWait < l.FirstWait {
		k.fail("limits.person_wait", "%s is shorter than first_wait, %s", l.PersonWait, l.FirstWait)
	}
}
