package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel"
)

// stoppedClock is an instant that a test moves.
type stoppedClock struct{ now time.Time }

func (c *stoppedClock) Now() time.Time                       { return c.now }
func (c *stoppedClock) After(time.Duration) <-chan time.Time { return nil }

func TestAClientsLife(t *testing.T) {
	clock := &stoppedClock{time.Date(2026, time.January, 1, 12, 0, 0, 0, time.UTC)}
	config := leasekernel.Exact()
	config.SelfPreservation = false // it is the only client
	r, err := newRegistry(clock, config)
	if err != nil {
		t.Fatal(err)
	}
	handler := r.handler()
	for _, step := range []struct {
		later        time.Duration
		method, path string
		body         string
		status       int
		says         string
	}{
		{0, "POST", "/leases/payments-1", "", http.StatusNotFound, ""},
		{0, "PUT", "/leases/payments-1", "10.0.0.7:8080", http.StatusNoContent, ""},
		{0, "PUT", "/leases/payments-2", strings.Repeat("x", maxAddress+1), http.StatusBadRequest, "too large"},
		{30 * time.Second, "POST", "/leases/payments-1", "", http.StatusNoContent, ""},
		{30 * time.Second, "GET", "/leases", "", http.StatusOK, "payments-1 10.0.0.7:8080\n"},
		{60 * time.Second, "GET", "/leases/payments-1", "", http.StatusOK, "live: silent for 1m30s"},
		{time.Second, "GET", "/leases/payments-1", "", http.StatusOK, "expired: silent for 1m31s"},
		{9 * time.Second, "GET", "/leases/payments-1", "", http.StatusOK, "not registered: evicted"},
		{0, "DELETE", "/leases/payments-1", "", http.StatusNotFound, ""},
		{0, "PUT", "/leases/payments-1", "10.0.0.7:8080", http.StatusNoContent, ""},
		{0, "DELETE", "/leases/payments-1", "", http.StatusNoContent, ""},
	} {
		for range step.later / time.Second {
			clock.now = clock.now.Add(time.Second)
			r.kernel.Tick(clock.now)
		}
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequest(step.method, step.path, strings.NewReader(step.body)))
		if answer.Code != step.status || !strings.Contains(answer.Body.String(), step.says) {
			t.Errorf("%s %s after %v: got %d %q, want %d %q", step.method, step.path, step.later, answer.Code, answer.Body, step.status, step.says)
		}
	}
}
