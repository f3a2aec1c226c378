package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

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
	from := "from: integration"
	if o.Direct {
		from = "supersede: none"
	}
	text := strings.NewReplacer(
		"$GITLAB_TOKEN", references["gitlab-token"], "$GITLAB", w.GitLab.URL(), "$HOOK", references["hook-secret"],
		"$ADDRESS", w.Address, "$API", references["api-token"], "$STORE", store, "$FROM", from,
		"$CHAT_USER", references["chat-user"], "$CHAT_TOKEN", references["chat-token"], "$CHAT", w.Chat.URL(), "$ROOM", demoChannel,
		"$NONPROD", "region: eu-central-1, endpoint: "+w.AWS.URL(),
		"$PROD", "region: eu-central-1, role_arn: '"+liveRole+"', external_id: "+externalID+", endpoint: "+w.AWS.URL(),
		"$POLL", o.Poll.String(), "$FIRST", o.Wait.String(), "$LONGEST", (10 * o.Wait).String(),
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
buckets:
  preview: {name: mda-preview, prefix: 'mda/{version}/', $NONPROD}
  live: {name: mda-live, prefix: 'mda/{version}/', $PROD}
packages:
  mda:
    version: '^\d{4}\.\d+\.\d+$'
    tags: {project: data/mda, poll: $POLL}
    data: {bucket: preview, manifest: manifest.json}
environments:
  int:
    repository: env/mda
    bucket: preview
    services:
      - {glob: 'environments/int/*/values.yaml', key: data.version}
    record: {parameter: /mda/int/data-version, $NONPROD}
  abn:
    repository: env/mda
    bucket: live
    services:
      - {glob: 'environments/abn/*/values.yaml', key: data.version}
    record: {parameter: /mda/abn/data-version, $PROD}
  lup:
    repository: env/mda
    bucket: live
    services:
      - {glob: 'environments/lup/*/values.yaml', key: data.version}
  prd:
    repository: env/mda
    bucket: live
    services:
      - {glob: 'environments/prd/*/values.yaml', key: data.version}
    record: {parameter: /mda/prd/data-version, $PROD}
tracks:
  integration:
    on: [tag]
    stages:
      - environment: int
        gates:
          - name: int-test
            pipeline: {project: qa/int-test, ref: main, variables: {DATA_VERSION: '{version}', ENVIRONMENT: '{environment}'}}
  release:
    $FROM
    stages:
      - environment: abn
        gates:
          - name: e2e-test-abn
            pipeline: {project: qa/e2e-test-abn, variables: {DATA_VERSION: '{version}', ENVIRONMENT: '{environment}'}}
      - environment: lup
        gates:
          - name: e2e-test-lup
            allow_failure: true
            pipeline: {project: qa/e2e-test-lup, variables: {DATA_VERSION: '{version}', ENVIRONMENT: '{environment}'}}
      - environment: prd
notify:
  chat:
    rocketchat: {url: $CHAT, user: $CHAT_USER, token: $CHAT_TOKEN, room: $ROOM}
limits: {first_wait: $FIRST, longest_wait: $LONGEST}
`
