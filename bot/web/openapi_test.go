package web

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
)

// aside are the routes that are no part of the API.
var aside = []string{"/webhooks/gitlab", "GET /{$}", "GET /runs/{id}", "GET /style.css", "/"}

// apiOf returns the description of the API, and what finds the operation of a request.
// Answers may hold no fields that it does not name.
var apiOf = sync.OnceValues(func() (*openapi3.T, routers.Router) {
	doc, err := openapi3.NewLoader().LoadFromData(description)
	if err != nil {
		panic(err)
	}
	no := false
	for _, schema := range doc.Components.Schemas {
		closeObjects(schema, &no)
	}
	router, err := legacy.NewRouter(doc)
	if err != nil {
		panic(err)
	}
	return doc, router
})

// closeObjects lets the objects in a schema that do not say otherwise have no fields but
// those that are named.
func closeObjects(ref *openapi3.SchemaRef, no *bool) {
	if ref == nil || ref.Ref != "" {
		return
	}
	s := ref.Value
	if s.Properties != nil && s.AdditionalProperties.Has == nil && s.AdditionalProperties.Schema == nil {
		s.AdditionalProperties.Has = no
	}
	closeObjects(s.Items, no)
	for _, property := range s.Properties {
		closeObjects(property, no)
	}
}

// described holds an answer against the description of the API.
func described(t *testing.T, r *http.Request, w *httptest.ResponseRecorder) {
	t.Helper()
	_, router := apiOf()
	route, params, err := router.FindRoute(r)
	if err != nil || w.Code == http.StatusNotFound && strings.Contains(w.Body.String(), "docs/api.md") {
		if strings.HasPrefix(r.URL.Path, "/api/") && w.Code != http.StatusNotFound && w.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s %s is not in openapi.yaml: %v", r.Method, r.URL.Path, err)
		}
		return
	}
	answer := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route},
		Status:                 w.Code, Header: w.Header(), Body: io.NopCloser(bytes.NewReader(w.Body.Bytes())),
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	}
	if strings.HasSuffix(w.Header().Get("Content-Type"), "ndjson") || strings.HasSuffix(w.Header().Get("Content-Type"), "yaml") {
		answer.Options.ExcludeResponseBody = true
	}
	if err := openapi3filter.ValidateResponse(t.Context(), answer); err != nil {
		t.Errorf("%s %s answers %d %s, which openapi.yaml does not have: %v", r.Method, r.URL, w.Code, w.Body, err)
	}
}

func TestDescriptionIsValid(t *testing.T) {
	t.Parallel()
	doc, err := openapi3.NewLoader().LoadFromData(description)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Error(err)
	}
	w := askAs(t, serverOf(filled()), "", http.MethodGet, "/api/v1/openapi.yaml", "")
	if w.Code != http.StatusOK || !bytes.Equal(w.Body.Bytes(), description) || w.Header().Get("Content-Type") != "application/yaml" {
		t.Errorf("it is served as %d %s", w.Code, w.Header().Get("Content-Type"))
	}
}

// Every route of the API is described, and everything that is described is a route.
func TestDescriptionHasEveryRoute(t *testing.T) {
	t.Parallel()
	doc, _ := apiOf()
	var have, want []string
	for _, r := range serverOf(filled()).routes() {
		if !slices.Contains(aside, r.pattern) {
			have = append(have, r.pattern)
		}
	}
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			want = append(want, method+" "+path)
		}
	}
	slices.Sort(have)
	slices.Sort(want)
	if !slices.Equal(have, want) {
		t.Errorf("the routes are\n%s\nand openapi.yaml has\n%s", strings.Join(have, "\n"), strings.Join(want, "\n"))
	}
}

// docs/api.md names every route, with a sentence for each scope.
func TestManualHasEveryRoute(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range serverOf(filled()).routes() {
		if !slices.Contains(aside, r.pattern) && !strings.Contains(string(text), "`"+r.pattern+"`") {
			t.Errorf("docs/api.md does not have `%s`", r.pattern)
		}
	}
}
