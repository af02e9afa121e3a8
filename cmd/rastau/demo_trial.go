// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"time"

	"rastau/internal/account"
)

// trialPatience is how long the trial waits for the service to be started.
const trialPatience = 30 * time.Minute

// runTrial makes the world around a service that runs elsewhere on this machine, with the configuration that it is to be started with,
// waits for it and has it issue a licence, which an auditor then checks from outside.
func runTrial(ctx context.Context, out io.Writer, o demoOptions) error {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return unreadablef("%v", err)
	}
	w, err := openWorld(dir, o.Trial, o.Trial, o.demoShared)
	if err != nil {
		return err
	}
	defer w.Close()
	fmt.Fprintf(out, "start the service with %s\n", filepath.Join(dir, "config.yaml"))
	if err := awaitReady(ctx, w.config.PublicURL, trialPatience); err != nil {
		return err
	}
	s := &story{world: w, client: newClient(w.config.PublicURL, w.tokens), out: out}
	if w.fee, err = s.sampleFee(ctx); err == nil {
		err = s.licence(ctx)
	}
	if err != nil {
		return &exitError{code: exitFailed, message: err.Error()}
	}
	s.say("\n%d checks as they must be, %d not.", s.passed, s.wrong)
	if s.wrong > 0 {
		return &exitError{code: exitFailed, message: errStory.Error()}
	}
	return nil
}

// sampleFee asks the service what the sample application costs today.
func (s *story) sampleFee(ctx context.Context) (int64, error) {
	var answer struct {
		Services []struct {
			Key        string
			Operations []struct {
				Key string
				Fee *int64
			}
		}
	}
	if err := s.client.call(ctx, account.Applicant, "/v1/services", nil, &answer); err != nil {
		return 0, err
	}
	for _, service := range answer.Services {
		for _, op := range service.Operations {
			if service.Key == "passenger-transport" && op.Key == "issue" && op.Fee != nil {
				return *op.Fee, nil
			}
		}
	}
	return 0, errors.New("the service does not say what a licence for passenger transport costs")
}

// awaitReady asks a service until it says that it is ready.
func awaitReady(ctx context.Context, base string, patience time.Duration) error {
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	client := &http.Client{Timeout: 5 * time.Second}
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/readyz", nil)
		if err != nil {
			return err
		}
		if res, err := client.Do(req); err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return unreadablef("no service got ready at %s within %s", base, patience)
		case <-time.After(200 * time.Millisecond):
		}
	}
}
