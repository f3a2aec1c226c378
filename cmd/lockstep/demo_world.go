package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"lockstep/fixtures"
)

// The cast of the demo: one data package, shared by four services of one environment,
// whose values live in one repository, and a project of tests that is the gate.
const (
	dataProject  = "data/mda"
	envProject   = "env/mda"
	gateProject  = "qa/int-test"
	demoChannel  = "data-releases"
	parameter    = "/mda/int/data-version"
	firstVersion = "2026.11.0"
	fileMode     = 0o600
)

// services are the dependents, in the order in which they are shown.
var services = []string{"fbv", "kv", "mds", "remo"}

// A world is the simulated outside and the configuration that makes Lockstep part of
// it. Everything that is kept lies below Dir.
type world struct {
	Dir     string
	Config  string // path of lockstep.yaml
	Address string // where the server is to listen
	Journal *fixtures.Journal
	GitLab  *fixtures.GitLab
	Chat    *fixtures.Chat
	AWS     *fixtures.AWS
	Start   string // the commit of the environment repository before the first run
}

// worldOptions say how fast a world is and how it breaks.
type worldOptions struct {
	Job   time.Duration // how long an unscripted job runs
	Async time.Duration // how late mergeability and pipelines come
	Wait  time.Duration // first wait of the bot; the longest is ten times that
	Poll  time.Duration // how often the bot polls tags
	Store string        // database URL; SQLite below Dir when empty
}

// newWorld starts the outside below dir and writes the configuration.
func newWorld(dir string, o worldOptions) (w *world, err error) {
	w = &world{Dir: dir, Config: filepath.Join(dir, "lockstep.yaml"), Journal: &fixtures.Journal{}}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	if w.Address, err = freeAddress(); err != nil {
		return w, err
	}
	w.Chat, w.AWS = fixtures.NewChat(w.Journal), fixtures.NewAWS(w.Journal)
	w.Chat.Room(demoChannel)
	w.AWS.Put(fixtures.DefaultAccount, parameter, firstVersion)
	w.GitLab, err = fixtures.NewGitLab(fixtures.Options{
		Dir: filepath.Join(dir, "git"), Token: gitlabToken, Delay: o.Job, Async: o.Async, Journal: w.Journal,
	})
	if err != nil {
		return w, err
	}
	if err := w.populate(); err != nil {
		return w, err
	}
	return w, w.configure(o)
}

// The secrets of the demo. They open nothing but the simulation.
const (
	gitlabToken = "glpat-demo-0000000000"
	hookSecret  = "demo-hook-secret"
	apiToken    = "demo-api-token"
)

// populate creates the projects and subscribes the bot to their hooks.
func (w *world) populate() error {
	env := fixtures.Project{
		Path: envProject, Files: map[string]string{
			"README.md":     "# Environments of mda\n\nThe pipeline of main deploys what stands here.\n",
			"helmfile.yaml": "environments:\n  int: {}\nreleases:\n",
		},
		MergeRequestJobs: []string{"lint"},
	}
	for _, service := range services {
		file := valuesFile(service)
		env.Files[file] = valuesOf(service)
		env.Files["helmfile.yaml"] += fmt.Sprintf("  - name: %s\n    chart: charts/service\n    values: [%s]\n", service, file)
		env.Deploys = append(env.Deploys, fixtures.Deploy{Job: "deploy-int-" + service, Service: "int/" + service, File: file, Key: "data.version"})
	}
	for _, p := range []fixtures.Project{
		env,
		{Path: dataProject, Files: map[string]string{"README.md": "# Master data\n"}},
		{Path: gateProject, Files: map[string]string{"README.md": "# Integration test\n"}, APIJobs: []string{"int-test"}},
	} {
		if err := w.GitLab.Create(p); err != nil {
			return fmt.Errorf("create project %s: %w", p.Path, err)
		}
	}
	hook := "http://" + w.Address + "/webhooks/gitlab"
	w.GitLab.Hook(dataProject, hook, hookSecret, "tag_push")
	w.GitLab.Hook(envProject, hook, hookSecret, "merge_request", "pipeline")
	w.GitLab.Hook(gateProject, hook, hookSecret, "pipeline")
	start, err := w.head()
	w.Start = start
	return err
}

func valuesFile(service string) string { return "environments/int/" + service + "/values.yaml" }

// valuesOf returns the values of a service, which no two write in the same way.
func valuesOf(service string) string {
	version := map[string]string{
		"fbv": "version: %s # set by Lockstep", "kv": `version: "%s"`, "mds": "version: %s", "remo": "version: '%s'   # offers",
	}[service]
	return fmt.Sprintf("# Values of %s in int.\nreplicas: 2\n\ndata:\n  bucket: preview\n  "+version+"\n\nimage:\n  tag: 1.4.2\n", service, firstVersion)
}

// configure writes lockstep.yaml and the secrets that it refers to.
func (w *world) configure(o worldOptions) error {
	secrets := filepath.Join(w.Dir, "secrets")
	if err := os.MkdirAll(secrets, 0o700); err != nil {
		return err
	}
	references := map[string]string{}
	for name, value := range map[string]string{
		"gitlab-token": gitlabToken, "hook-secret": hookSecret, "api-token": apiToken,
		"chat-user": w.Chat.User(), "chat-token": w.Chat.Token(), "database": o.Store,
	} {
		path := filepath.Join(secrets, name)
		if err := os.WriteFile(path, []byte(value), fileMode); err != nil {
			return err
		}
		references[name] = strconv.Quote("file:" + path)
	}
	store := strconv.Quote("sqlite:" + filepath.Join(w.Dir, "lockstep.db"))
	if o.Store != "" {
		store = references["database"]
	}
	text := strings.NewReplacer(
		"$GITLAB_TOKEN", references["gitlab-token"], "$GITLAB", w.GitLab.URL(), "$HOOK", references["hook-secret"],
		"$ADDRESS", w.Address, "$API", references["api-token"], "$STORE", store,
		"$CHAT_USER", references["chat-user"], "$CHAT_TOKEN", references["chat-token"], "$CHAT", w.Chat.URL(), "$ROOM", demoChannel,
		"$AWS", w.AWS.URL(), "$POLL", o.Poll.String(), "$FIRST", o.Wait.String(), "$LONGEST", (10 * o.Wait).String(),
	).Replace(demoConfig)
	return os.WriteFile(w.Config, []byte(text), fileMode)
}

// demoConfig is the configuration of the demo; names with $ are filled in.
const demoConfig = `gitlab:
  url: $GITLAB
  token: $GITLAB_TOKEN
  rate: 500
  webhook: {secret: $HOOK}
server:
  listen: $ADDRESS
  token: $API
store: $STORE
packages:
  mda:
    version: '^\d{4}\.\d+\.\d+$'
    tags: {project: data/mda, poll: $POLL}
environments:
  int:
    repository: env/mda
    branch: main
    merge_request_pipelines: true
    services:
      - {glob: 'environments/int/*/values.yaml', key: data.version}
    record: {parameter: /mda/int/data-version, region: eu-central-1, endpoint: $AWS}
tracks:
  integration:
    on: [tag]
    stages:
      - environment: int
        gates:
          - name: int-test
            pipeline: {project: qa/int-test, ref: main, variables: {DATA_VERSION: '{version}', ENVIRONMENT: '{environment}'}}
notify:
  chat:
    rocketchat: {url: $CHAT, user: $CHAT_USER, token: $CHAT_TOKEN, room: $ROOM}
limits: {first_wait: $FIRST, longest_wait: $LONGEST}
`

// close stops the outside.
func (w *world) close() {
	if w.GitLab != nil {
		w.GitLab.Close()
	}
	if w.AWS != nil {
		w.AWS.Close()
	}
	if w.Chat != nil {
		w.Chat.Close()
	}
}

// The ports on which the server of a world may listen. They lie below those that
// systems give to outgoing connections, one of which could take the port between its
// choice here and the moment when the server listens.
const firstPort, ports = 20000, 10000

// Ports are chosen in order from a random one on, so that no two worlds choose the same.
var (
	chosenPorts atomic.Uint32
	randomPort  = rand.Uint32N(ports)
)

// freeAddress returns a loopback address that nobody listens on.
func freeAddress() (string, error) {
	for range ports {
		address := fmt.Sprintf("127.0.0.1:%d", firstPort+(randomPort+chosenPorts.Add(1))%ports)
		if l, err := net.Listen("tcp", address); err == nil {
			return address, l.Close()
		}
	}
	return "", fmt.Errorf("no port from %d to %d of loopback is free", firstPort, firstPort+ports-1)
}
