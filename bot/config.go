package bot

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A Config is the content of lockstep.yaml. ParseConfig returns it complete: defaults
// are filled in and everything is checked. It does not change afterwards.
//
// The comment on each field is its manual. Durations are written as 90s, 30m or
// 1h30m and are above zero. Names (of packages, environments, tracks, lanes, gates,
// services and channels) are 1 to 63 small letters, digits and dashes, beginning with
// a letter or digit. Secrets are never written in the file, only references to them.
type Config struct {
	// GitLab is where environment repositories, data projects and gate projects live.
	GitLab GitLabConfig `yaml:"gitlab"`

	// Server is how Lockstep is reached.
	Server ServerConfig `yaml:"server"`

	// Store is where runs are remembered: sqlite:PATH (relative to the working
	// directory), postgres://…, or a reference to one of them, such as
	// env:DATABASE_URL. A URL with a password is accepted as a reference only.
	// Default sqlite:lockstep.db.
	Store string `yaml:"store"`

	// Buckets are the places of data, by purpose, such as preview and live. Default:
	// none, Lockstep does not look after the data.
	Buckets map[string]*BucketConfig `yaml:"buckets"`

	// Packages are the data packages, by name. At least one.
	Packages map[string]*PackageConfig `yaml:"packages"`

	// Environments are the environments, by name. At least one.
	Environments map[string]*EnvironmentConfig `yaml:"environments"`

	// Tracks are the ways through the environments, by name. At least one. Tracks that
	// share an environment must share a lane.
	Tracks map[string]*TrackConfig `yaml:"tracks"`

	// Notify are the channels on which people are told, by name. Default: none.
	Notify map[string]*ChannelConfig `yaml:"notify"`

	// Waits are the clocks that hold for every run; see LimitsConfig.
	Waits LimitsConfig `yaml:"limits"`

	storeAt Reference // Store, when it is a reference
}

// A GitLabConfig says which GitLab Lockstep works on, and as whom.
type GitLabConfig struct {
	// URL is the address of GitLab as people open it, without /api/v4; https unless
	// it is loopback. Required.
	URL string `yaml:"url"`

	// Token is the access token of Lockstep's own user, with scope api. Required.
	Token Reference `yaml:"token"`

	// Rate is how many requests a second are made at most, 1 to 1000; a burst may be
	// twice that. Default 10.
	Rate int `yaml:"rate"`

	// Author is the author of Lockstep's commits.
	Author AuthorConfig `yaml:"author"`

	// Webhook is what proves that a hook comes from GitLab.
	Webhook WebhookConfig `yaml:"webhook"`
}

// An AuthorConfig names the author of commits.
type AuthorConfig struct {
	// Name is the author's name. Default Lockstep.
	Name string `yaml:"name"`

	// Email is the author's address. Default lockstep@ and the host of gitlab.url.
	Email string `yaml:"email"`
}

// A WebhookConfig holds the secrets of GitLab's webhooks. At least one of them is
// required when the server can be reached from other machines.
type WebhookConfig struct {
	// Secret is the hook's secret token, which GitLab sends as X-Gitlab-Token.
	Secret Reference `yaml:"secret"`

	// Signing is the hook's signing token (whsec_…), with which newer versions of
	// GitLab sign what they send.
	Signing Reference `yaml:"signing"`
}

// A ServerConfig says where Lockstep listens and how people reach it.
type ServerConfig struct {
	// Listen is the address and port to listen on. Default 127.0.0.1:8080.
	Listen string `yaml:"listen"`

	// URL is the address under which people and GitLab reach the server; it stands in
	// links. https unless it is loopback. Default http:// and Listen.
	URL string `yaml:"url"`

	// Token is the bearer token of the API. Required unless both Listen and URL are
	// loopback; without one the API answers this machine only.
	Token Reference `yaml:"token"`

	// Callbacks is the key that signs the addresses at which callback gates are
	// answered. Required when there is such a gate.
	Callbacks Reference `yaml:"callbacks"`
}

// A PackageConfig describes a data package.
type PackageConfig struct {
	// Version is a regular expression that a whole version must match. Default: every
	// version of letters, digits and . _ + - is taken.
	Version string `yaml:"version"`

	// Tags says which project's tags announce versions. Default: no tags do.
	Tags *TagsConfig `yaml:"tags"`

	// Data says where versions are published and what makes one complete. Default:
	// nobody looks.
	Data *DataConfig `yaml:"data"`

	pattern *regexp.Regexp // Version, leftmost-longest; nil takes everything
}

// A TagsConfig says how the tags of a data project announce versions.
type TagsConfig struct {
	// Project is the path of the data project in GitLab. Required.
	Project string `yaml:"project"`

	// Name is the form of the tags, with {version} in it once. Other tags of the
	// project are refused with a sentence. Default {version}.
	Name string `yaml:"name"`

	// Poll is how often the tags are read, in case a hook was lost. Default 1m.
	Poll time.Duration `yaml:"poll"`
}

// A LimitsConfig holds the clocks of every run.
type LimitsConfig struct {
	// Unknown is how long nobody may be able to tell what is going on (GitLab does not
	// answer, a pipeline was cancelled) before the run stalls and calls people.
	// Default 1h.
	Unknown time.Duration `yaml:"unknown"`

	// FirstWait is the wait between the first two looks. Default 1s.
	FirstWait time.Duration `yaml:"first_wait"`

	// LongestWait is what waits grow to while nothing new is learned. Default 30s.
	LongestWait time.Duration `yaml:"longest_wait"`

	// PersonWait is what waits grow to while only a person is awaited. Default 5m.
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
	c.GitLab.Rate = 10
	c.GitLab.Author.Name = "Lockstep"
	c.Server.Listen = "127.0.0.1:8080"
	c.Store = "sqlite:lockstep.db"
	c.Waits = LimitsConfig{
		Unknown:     time.Hour,
		FirstWait:   time.Second,
		LongestWait: 30 * time.Second,
		PersonWait:  5 * time.Minute,
	}
}

// setDefaults sets the defaults of an announcement by tags.
func (t *TagsConfig) setDefaults() {
	t.Name = "{version}"
	t.Poll = time.Minute
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
		if chat := channel.RocketChat; chat != nil {
			chat.URL = strings.TrimRight(chat.URL, "/")
		}
	}
	for _, p := range c.Packages {
		if d := p.Data; d != nil && d.Manifest == "" && d.Listing == nil {
			d.Manifest = "manifest.json"
		}
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

// fill lets the services of an environment belong to the only package there is.
func (e *EnvironmentConfig) fill(packages []string) {
	for i := range e.Services {
		if s := &e.Services[i]; s.Package == "" && len(packages) == 1 {
			s.Package = packages[0]
		}
	}
}

// fill sets the lane and the packages that the file leaves out.
func (t *TrackConfig) fill(name string, packages []string) {
	if t.Lane == "" {
		t.Lane = name
	}
	if t.Packages == nil {
		t.Packages = slices.Clone(packages)
	}
}
