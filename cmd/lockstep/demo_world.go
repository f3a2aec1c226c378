package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"lockstep/fixtures"
)

// The cast of the demo: one data package, shared by four services of four environments,
// whose values live in one repository, and projects of tests that are the gates. Data
// is published in a bucket of one account and copied into one of another.
const (
	dataProject   = "data/mda"
	envProject    = "env/mda"
	gateProject   = "qa/int-test"
	demoChannel   = "data-releases"
	firstVersion  = "2026.11.0"
	liveAccount   = "222222222222"
	liveRole      = "arn:aws:iam::" + liveAccount + ":role/lockstep"
	previewBucket = "mda-preview"
	liveBucket    = "mda-live"
	fileMode      = 0o600
)

// services are the dependents, in the order in which they are shown.
var services = []string{"fbv", "kv", "mds", "remo"}

// ways are the environments that each track of the demo goes through.
var ways = map[string][]string{"integration": {"int"}, "release": {"abn", "lup", "prd"}}

// environments are all of them.
var environments = []string{"int", "abn", "lup", "prd"}

// gateProjects are the projects whose pipelines are gates, by environment.
var gateProjects = map[string]string{"int": gateProject, "abn": "qa/e2e-test-abn", "lup": "qa/e2e-test-lup"}

// recorded are the accounts with a parameter that holds the last good version, by
// environment.
var recorded = map[string]string{"int": fixtures.DefaultAccount, "abn": liveAccount, "prd": liveAccount}

// parameterOf returns the name of the parameter of an environment.
func parameterOf(environment string) string { return "/mda/" + environment + "/data-version" }

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
	Job     time.Duration // how long an unscripted job runs
	Async   time.Duration // how late mergeability and pipelines come
	Wait    time.Duration // first wait of the bot; the longest is ten times that
	Poll    time.Duration // how often the bot polls tags
	Store   string        // database URL; SQLite below Dir when empty
	Edition string        // of GitLab: CE (default) or EE, which has rules for approvals
	Direct  bool          // versions need not have passed integration before they are released
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
	if err := w.stock(); err != nil {
		return w, err
	}
	w.GitLab, err = fixtures.NewGitLab(fixtures.Options{
		Dir: filepath.Join(dir, "git"), Token: gitlabToken, Delay: o.Job, Async: o.Async, Edition: o.Edition, Journal: w.Journal,
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
	externalID  = "demo"
)

// published is how many versions the data team has published.
const published = 10

// stock fills the parameters and the bucket of the data team, and lets the other
// account read there.
func (w *world) stock() error {
	for environment, account := range recorded {
		w.AWS.Put(account, parameterOf(environment), firstVersion)
	}
	w.AWS.RequireExternalID(liveRole, externalID)
	w.AWS.Bucket(fixtures.DefaultAccount, previewBucket)
	w.AWS.Bucket(liveAccount, liveBucket)
	w.AWS.Allow(previewBucket, liveAccount, "s3:GetObject", "s3:ListBucket")
	for n := range published {
		if err := w.publish(fmt.Sprintf("2026.11.%d", n)); err != nil {
			return err
		}
	}
	return nil
}

// publish puts a version into the bucket of the data team, its manifest last.
func (w *world) publish(version string) error {
	type object struct {
		Key    string `json:"key"`
		Size   int    `json:"size"`
		SHA256 string `json:"sha256"`
	}
	manifest := struct {
		Package string   `json:"package"`
		Version string   `json:"version"`
		Objects []object `json:"objects"`
	}{Package: "mda", Version: version}
	for _, key := range []string{"metadata.json", "offers/de.csv", "offers/fr.csv", "prices.csv"} {
		data := []byte(strings.Repeat(fmt.Sprintf("%s of mda %s\n", key, version), 20))
		sum := sha256.Sum256(data)
		manifest.Objects = append(manifest.Objects, object{key, len(data), hex.EncodeToString(sum[:])})
		w.AWS.PutObject(previewBucket, dataKey(version, key), data)
	}
	text, err := json.MarshalIndent(manifest, "", "  ")
	w.AWS.PutObject(previewBucket, dataKey(version, "manifest.json"), text)
	return err
}

// dataKey returns the key of an object of a version.
func dataKey(version, key string) string { return "mda/" + version + "/" + key }

// populate creates the projects and subscribes the bot to their hooks.
func (w *world) populate() error {
	env := fixtures.Project{
		Path: envProject, Files: map[string]string{
			"README.md":     "# Environments of mda\n\nThe pipeline of main deploys what stands here.\n",
			"helmfile.yaml": "environments:\n",
		},
		MergeRequestJobs: []string{"lint"},
	}
	for _, environment := range environments {
		env.Files["helmfile.yaml"] += fmt.Sprintf("  %s: {}\n", environment)
	}
	env.Files["helmfile.yaml"] += "releases:\n"
	for _, service := range services {
		env.Files["helmfile.yaml"] += fmt.Sprintf("  - name: %s\n    chart: charts/service\n    values: ['%s']\n", service, valuesFile("{{ .Environment.Name }}", service))
		for _, environment := range environments {
			file := valuesFile(environment, service)
			env.Files[file] = valuesOf(environment, service)
			env.Deploys = append(env.Deploys, fixtures.Deploy{
				Job: "deploy-" + environment + "-" + service, Service: environment + "/" + service, File: file, Key: "data.version",
			})
		}
	}
	projects := []fixtures.Project{env, {Path: dataProject, Files: map[string]string{"README.md": "# Master data\n"}}}
	for _, environment := range slices.Sorted(maps.Keys(gateProjects)) {
		path := gateProjects[environment]
		projects = append(projects, fixtures.Project{Path: path, Files: map[string]string{"README.md": "# Tests of " + environment + "\n"}, APIJobs: []string{filepath.Base(path)}})
	}
	hook := "http://" + w.Address + "/webhooks/gitlab"
	for _, p := range projects {
		if err := w.GitLab.Create(p); err != nil {
			return fmt.Errorf("create project %s: %w", p.Path, err)
		}
		w.GitLab.Hook(p.Path, hook, hookSecret, hookEvents(p.Path)...)
	}
	if err := w.protectTags(); err != nil {
		return err
	}
	start, err := w.head()
	w.Start = start
	return err
}

// protectTags lets the data team alone make tags of the data project: others start nothing.
func (w *world) protectTags() error {
	const maintainer = 40
	if err := w.GitLab.Member(dataProject, "data-team", maintainer); err != nil {
		return err
	}
	return w.GitLab.ProtectTags(dataProject, "*", maintainer)
}

// hookEvents returns what the bot hears of a project.
func hookEvents(project string) []string {
	switch project {
	case dataProject:
		return []string{"tag_push"}
	case envProject:
		return []string{"merge_request", "pipeline", "note"}
	}
	return []string{"pipeline"}
}

// valuesFile returns the path of the values of a service in an environment.
func valuesFile(environment, service string) string {
	return valuesFolder(environment) + service + "/values.yaml"
}

// valuesFolder returns where the values of an environment are.
func valuesFolder(environment string) string { return "environments/" + environment + "/" }

// valuesOf returns the values of a service, which no two write in the same way.
func valuesOf(environment, service string) string {
	version := map[string]string{
		"fbv": "version: %s # set by Lockstep", "kv": `version: "%s"`, "mds": "version: %s", "remo": "version: '%s'   # offers",
	}[service]
	bucket := "live"
	if environment == "int" {
		bucket = "preview"
	}
	return fmt.Sprintf("# Values of %s in %s.\nreplicas: 2\n\ndata:\n  bucket: %s\n  "+version+"\n\nimage:\n  tag: 1.4.2\n", service, environment, bucket, firstVersion)
}

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
