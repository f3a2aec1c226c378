package gitops

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// helmfileValues is a values file of 1.2 KB, as helmfile repositories have them.
var helmfileValues = []byte(`# mds: master data service, environment int
image:
  repository: registry.example.com/shop/mds   # built by shop/mds
  tag: "4.2.0"
  pullPolicy: IfNotPresent

` + strings.Repeat("# Kept in step with the load test: ask the team before you change it.\n", 8) + `
replicas: 3
resources:
  requests: {cpu: 250m, memory: 512Mi}
  limits: {cpu: "1", memory: 1Gi}

data:
  # set by the data pipeline
  version: 2026.11.3 # the data version
  bucket: preview

env:
- {name: JAVA_OPTS, value: "-Xmx400m"}
- {name: LOG_LEVEL, value: info}
probes:
  liveness: {path: /health/live, port: 8080, initialDelaySeconds: 20}
  readiness: {path: /health/ready, port: 8080, initialDelaySeconds: 5}
`)

// A fileKind is a kind of values file: helmfileValues with every old replaced by with, or
// helmfileJSON.
type fileKind struct {
	name      string
	file, key string // "values.yaml" and "data.version" when empty
	old, with string
	json      bool
	parsed    bool // too rare for the outline: the parser reads it
}

// kinds are what values files look like; all but the last are read without a parser.
var kinds = []fileKind{
	{name: "plain"},
	{name: "marker", key: "#mda", old: "# the data version", with: "# lockstep: mda"},
	{name: "template", file: "values.yaml.gotmpl", old: "replicas: 3", with: "{{ if .Values.x }}\nreplicas: {{ .Values.n }}\n{{ end }}"},
	{name: "crlf", old: "\n", with: "\r\n"},
	{name: "bom", old: "# mds:", with: "\ufeff# mds:"},
	{name: "documents", old: "\nreplicas: 3\n", with: "\n--- # the second\nreplicas: 3\n"},
	{name: "tabs", old: " # the data version", with: "\t# the data version"},
	{name: "block-scalar", old: "replicas: 3", with: "script: |\n  set -e\n\n  run: it\n# c\nmore: >2-\n     text"},
	{name: "quoted-lines", old: "replicas: 3", with: "text: \"one: two\n  # three\\\\n\n  four\"\nmore: 'it''s\n  more'"},
	{name: "plain-lines", old: "replicas: 3", with: "text: one two\n  three - four\n\n  five # c"},
	{name: "next-line", old: "replicas: 3", with: "text:\n  one two\nmore:\n  [one, two]\nlist:\n-\n  a: b"},
	{name: "anchors", old: "replicas: 3", with: "base: &base\n  a: &a 1\n  b: *a\nmore:\n  <<: *base\n  c: 3"},
	{name: "anchored-target", old: "2026.11.3", with: "&version 2026.11.3"},
	{name: "tags", old: "replicas: 3", with: "secret: !vault |\n  abc\nport: !!str 80"},
	{name: "tagged-target", old: "2026.11.3", with: "!!str 2026.11.3"},
	{name: "flow-lines", old: "replicas: 3", with: "list: [\n  {a: b}, # c\n  \"d\",\n]"},
	{name: "flow-target", old: "data:\n  # set by the data pipeline\n  version: 2026.11.3 # the data version\n  bucket: preview", with: "data: {version: 2026.11.3, bucket: preview}"},
	{name: "flow-lines-target", old: "data:\n  # set by the data pipeline\n  version: 2026.11.3 # the data version\n  bucket: preview", with: "data: {\n  version: 2026.11.3, # the data version\n  bucket: preview\n}"},
	{name: "keys", old: "replicas: 3", with: "größe: 1\na b@c : 2\nx.example.com/y: 3"},
	{name: "json", file: "values.json", json: true},
	{name: "parsed", old: "replicas: 3", with: "? replicas\n: 3", parsed: true},
}

// helmfileJSON is a values file of 1.2 KB as programs write it.
var helmfileJSON = []byte("{\n  \"data\": {\n    \"version\": \"2026.11.3\",\n    \"bucket\": \"preview\"\n  },\n  \"env\": [" +
	strings.Repeat("\n    {\n      \"name\": \"JAVA_OPTS\",\n      \"value\": \"-Xmx400m\",\n      \"replicas\": 3\n    },", 11) + "\n    \"end\"\n  ]\n}\n")

// edit returns name, content and key of a file of the kind.
func (k fileKind) edit() (file string, in []byte, key string) {
	in = helmfileJSON
	if !k.json {
		in = bytes.ReplaceAll(helmfileValues, []byte(k.old), []byte(k.with))
	}
	return cmp.Or(k.file, "values.yaml"), in, cmp.Or(k.key, "data.version")
}

// BenchmarkEdit measures Edit, proof included, for each kind of file; in the same run,
// setting the same value through kyaml's nodes and encoding the file again, which does
// not keep its bytes. Time is that of the cores; x/kyaml is how many times as fast Edit is.
func BenchmarkEdit(b *testing.B) {
	for _, k := range kinds {
		b.Run(k.name, func(b *testing.B) {
			file, in, key := k.edit()
			peer := kyamlTime(b, file, in)
			b.ReportAllocs()
			b.ResetTimer()
			start := cpuTime(b)
			for b.Loop() {
				if _, err := Edit(file, in, key, "2026.11.3", "2026.11.4"); err != nil {
					b.Fatal(err)
				}
			}
			one := (cpuTime(b) - start) / time.Duration(b.N)
			b.ReportMetric(float64(time.Second)/float64(one), "files/s/core")
			b.ReportMetric(float64(peer)/float64(one), "x/kyaml")
		})
	}
}

// kyamlTime returns how long kyaml takes on one core to parse all documents of a file, set
// the version and encode them again. It cannot read templates: of those it gets
// helmfileValues.
func kyamlTime(b *testing.B, file string, in []byte) time.Duration {
	b.Helper()
	if strings.HasSuffix(file, templateExt) {
		in = helmfileValues
	}
	const attempts = 1000
	start := cpuTime(b)
	for range attempts {
		if err := kyamlEdit(in); err != nil {
			b.Fatal(err)
		}
	}
	return (cpuTime(b) - start) / attempts
}

// kyamlEdit sets the version in a file through kyaml's nodes.
func kyamlEdit(in []byte) error {
	decoder, encoder := yaml.NewDecoder(bytes.NewReader(in)), yaml.NewEncoder(io.Discard)
	for {
		var doc yaml.Node
		if err := decoder.Decode(&doc); errors.Is(err, io.EOF) {
			return encoder.Close()
		} else if err != nil {
			return err
		}
		file := yaml.NewRNode(&doc)
		if data, err := file.Pipe(yaml.Lookup("data")); err != nil {
			return err
		} else if data != nil {
			if err := data.SetMapField(yaml.NewStringRNode("2026.11.4"), "version"); err != nil {
				return err
			}
		}
		if err := encoder.Encode(&doc); err != nil {
			return err
		}
	}
}

// TestOutlineKinds holds each kind of file against the parser, and against falling back
// to it.
func TestOutlineKinds(t *testing.T) {
	t.Parallel()
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			file, in, key := k.edit()
			edits := checkAll(t, file, in, "1.10")
			if plain := edits > 0 && checkPlain(t, file, in, key, "1.10"); plain == k.parsed {
				t.Errorf("read without a parser: %t, want %t", plain, !k.parsed)
			}
		})
	}
}

// cpuTime returns how long the cores have worked for this process, whatever else the
// machine does.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
