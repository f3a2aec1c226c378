package bot

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Config is the content of lockstep.yaml. ParseConfig returns it complete: defaults
// are filled in and everything is checked. It does not change afterwards.
//
// The comments on the types and fields below are the manual, in Markdown:
// docs/configuration.md is made from them. A field's comment ends in the sentences on
// what it is without a value, which begin with Required or Default.
type Config struct {
	// GitLab is the GitLab in which environment repositories, data projects and gate
	// projects live.
	GitLab GitLabConfig `yaml:"gitlab"`

	// Server is how Lockstep is reached.
	Server ServerConfig `yaml:"server"`

	// Store is where runs are remembered: `sqlite:PATH` (relative to the working
	// directory), `postgres://user@host/database`, or a reference to one of them, such
	// as `env:DATABASE_URL`. A URL with a password is accepted as a reference only.
	// Default `sqlite:lockstep.db`.
	Store string `yaml:"store"`

	// Buckets are the places of data, by purpose, such as `preview` and `live`.
	// Default: none, Lockstep does not look after the data.
	Buckets map[string]*BucketConfig `yaml:"buckets"`

	// Packages are the data packages, by name. Required: at least one.
	Packages map[string]*PackageConfig `yaml:"packages"`

	// Environments are the environments, by name. Required: at least one.
	Environments map[string]*EnvironmentConfig `yaml:"environments"`

	// Tracks are the ways through the environments, by name. Required: at least one.
	Tracks map[string]*TrackConfig `yaml:"tracks"`

	// Notify are the channels on which people are told, by name. Default: none.
	Notify map[string]*ChannelConfig `yaml:"notify"`

	// Commands says what people may do by comments on merge requests.
	Commands CommandsConfig `yaml:"commands"`

	// Waits are the clocks of every run.
	Waits LimitsConfig `yaml:"limits"`

	storeAt Reference // Store, when it is a reference
}

// A GitLabConfig says which GitLab Lockstep works on, and as whom.
type GitLabConfig struct {
	// URL is the address of GitLab as people open it, without `/api/v4`; https unless
	// it is loopback. Required.
	URL string `yaml:"url"`

	// Token is the access token of Lockstep's own user, with scope `api`. Required.
	Token Reference `yaml:"token"`

	// Rate is how many requests a second are made at most, 1 to 1000; a burst may be
	// twice that. Default `10`.
	Rate int `yaml:"rate"`

	// Author is the author of Lockstep's commits.
	Author AuthorConfig `yaml:"author"`

	// Webhook is what proves that a hook comes from GitLab.
	Webhook WebhookConfig `yaml:"webhook"`

	// Labels lets each merge request of a run carry the one label of `lockstep::running`,
	// `lockstep::success` and so on that says how the run stands. Default `true`.
	Labels bool `yaml:"labels"`

	// Statuses lets GitLab show how a run stands beside the tag that announced its version,
	// and how it ended beside its commits. The user needs the role Developer in the data
	// project for that. Default `true`.
	Statuses bool `yaml:"statuses"`
}

// An AuthorConfig names the author of commits.
type AuthorConfig struct {
	// Name is the author's name. Default `Lockstep`.
	Name string `yaml:"name"`

	// Email is the author's address. Default: `lockstep@` and the host of `gitlab.url`.
	Email string `yaml:"email"`
}

// A WebhookConfig holds the secrets of GitLab's webhooks. At least one of them is
// required when other machines can reach the server.
type WebhookConfig struct {
	// Secret is the hook's secret token, which GitLab sends as `X-Gitlab-Token`.
	// Default: none.
	Secret Reference `yaml:"secret"`

	// Signing is the hook's signing token (`whsec_…`), with which newer versions of
	// GitLab sign what they send. Default: none.
	Signing Reference `yaml:"signing"`
}

// A ServerConfig says where Lockstep listens and how people reach it.
type ServerConfig struct {
	// Listen is the address and port to listen on. Default `127.0.0.1:8080`.
	Listen string `yaml:"listen"`

	// URL is the address under which people and GitLab reach the server; it stands in
	// links. https unless it is loopback. Default: `http://` and `listen`.
	URL string `yaml:"url"`

	// Token is the bearer token of the API. Required unless `listen` and `url` are
	// loopback; without one the API answers this machine only.
	Token Reference `yaml:"token"`

	// Callbacks is the key that signs the addresses at which callback gates are
	// answered: any long random text. Required when there is such a gate.
	Callbacks Reference `yaml:"callbacks"`

	// CI are the jobs of GitLab CI that may use the API. Default: none.
	CI []CIConfig `yaml:"ci"`

	// Metrics says who may read `GET /metrics`: `token`, whoever may read the API with
	// theirs; `open`, whoever can reach the server. Default `token`.
	Metrics string `yaml:"metrics"`
}

// A PackageConfig describes a data package.
type PackageConfig struct {
	// Version is a regular expression that a whole version must match. Whatever it
	// says, a version has 1 to 128 letters, digits and `. _ + -`, and begins with a
	// letter or digit. Default: every version is taken.
	Version string `yaml:"version"`

	// Tags says which project's tags announce versions. Default: no tags do.
	Tags *TagsConfig `yaml:"tags"`

	// Releases says which project's releases announce versions. Default: none do.
	Releases *ReleasesConfig `yaml:"releases"`

	// Pipelines says which project's successful pipelines announce versions. Default: none
	// do.
	Pipelines *PipelinesConfig `yaml:"pipelines"`

	// Pushes says which file announces versions when it is pushed. Default: none does.
	Pushes *PushesConfig `yaml:"pushes"`

	// Hook lets programs announce versions by a signed call. Default: none may.
	Hook *AnnounceHookConfig `yaml:"hook"`

	// Listing lets versions be announced by their data, as soon as they lie in the bucket
	// of `data`. Default: they do not announce themselves.
	Listing *BucketListingConfig `yaml:"listing"`

	// Data says where versions are published and what makes one complete. Default:
	// nobody looks.
	Data *DataConfig `yaml:"data"`

	pattern *regexp.Regexp // Version, leftmost-longest; nil takes everything
}

// A LimitsConfig holds the clocks of every run. The waits matter only when a hook is
// lost: a hook wakes a run at once.
type LimitsConfig struct {
	// Unknown is how long nobody may be able to tell what is going on (GitLab does not
	// answer, a pipeline was cancelled) before the run stalls and calls people.
	// Default `1h`.
	Unknown time.Duration `yaml:"unknown"`

	// FirstWait is the wait between the first two looks. Default `1s`.
	FirstWait time.Duration `yaml:"first_wait"`

	// LongestWait is what waits grow to while nothing new is learned. Default `30s`.
	LongestWait time.Duration `yaml:"longest_wait"`

	// PersonWait is what waits grow to while only a person is awaited. Default `5m`.
	PersonWait time.Duration `yaml:"person_wait"`
}

// LoadConfig reads and checks the configuration file at path.
func LoadConfig(path string) (*Config, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("config %q is not there: copy docs/lockstep.example.yaml to it and edit it, or name another file with --config", path)
	}
	if err != nil {
		return nil, fmt.Errorf("read config: %v", err)
	}
	return ParseConfig(path, data)
}

// ParseConfig reads and checks a configuration; name is the file's name in errors. The
// error holds every mistake as a *ConfigError, joined in the order of their lines.
func ParseConfig(name string, data []byte) (*Config, error) {
	c := &Config{}
	c.setDefaults()
	k := newConfigCheck(name)
	if decodeConfig(k, data, c) {
		c.fill()
		c.validate(k)
	}
	if err := k.err(); err != nil {
		return nil, err
	}
	return c, nil
}

// setDefaults sets the defaults that do not depend on other fields.
func (c *Config) setDefaults() {
	c.GitLab.Rate, c.GitLab.Labels, c.GitLab.Statuses = 10, true, true
	c.GitLab.Author.Name = "Lockstep"
	c.Server.Listen, c.Server.Metrics = "127.0.0.1:8080", "token"
	c.Store = "sqlite:lockstep.db"
	c.Commands.Levels.setDefaults()
	c.Waits = LimitsConfig{
		Unknown:     time.Hour,
		FirstWait:   time.Second,
		LongestWait: 30 * time.Second,
		PersonWait:  5 * time.Minute,
	}
}

// fill sets the defaults that depend on other fields.
func (c *Config) fill() {
	c.GitLab.URL = strings.TrimRight(c.GitLab.URL, "/")
	if u, err := url.Parse(c.GitLab.URL); err == nil && c.GitLab.Author.Email == "" {
		c.GitLab.Author.Email = "lockstep@" + u.Hostname()
	}
	c.Server.URL = strings.TrimRight(c.Server.URL, "/")
	if c.Server.URL == "" {
		c.Server.URL = "http://" + c.Server.Listen
	}
	for _, channel := range c.Notify {
		channel.fill()
	}
	packages := sortedKeys(c.Packages)
	for _, e := range c.Environments {
		e.fill(packages)
	}
	for name, t := range c.Tracks {
		t.fill(name, packages)
		if t.Notify == nil {
			t.Notify = sortedKeys(c.Notify)
		}
	}
}

// fill takes the slash from the end of addresses.
func (c *ChannelConfig) fill() {
	if chat := c.RocketChat; chat != nil {
		chat.URL = strings.TrimRight(chat.URL, "/")
	}
	if chat := c.Slack; chat != nil {
		chat.URL = strings.TrimRight(chat.URL, "/")
	}
	if chat := c.Mattermost; chat != nil {
		chat.URL = strings.TrimRight(chat.URL, "/")
	}
}

// fill lets the services of an environment belong to the only package there is.
func (e *EnvironmentConfig) fill(packages []string) {
	for i := range e.Services {
		if s := &e.Services[i]; s.Package == "" && len(packages) == 1 {
			s.Package = packages[0]
		}
	}
}

// fill sets the lane, the packages, the schedules' names and the time limits that the file leaves out.
func (t *TrackConfig) fill(name string, packages []string) {
	if t.Lane == "" {
		t.Lane = name
	}
	if t.Packages == nil {
		t.Packages = slices.Clone(packages)
	}
	for i := range t.Schedules {
		s := &t.Schedules[i]
		s.Name = cmp.Or(s.Name, strconv.Itoa(i+1))
		if s.Package == "" && len(t.Packages) == 1 {
			s.Package = t.Packages[0]
		}
	}
	for _, s := range t.Stages {
		for i := range s.Gates {
			s.Gates[i].fill()
		}
	}
}
