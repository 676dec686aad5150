package otlp

import (
	"context"
	"time"
)

// endTimeout bounds the last push, after everything is detached.
const endTimeout = time.Second

// periodically pushes at every interval, and once more when stop is called, which waits
// for that. Errors of push go to failed; those of a push that stop interrupts do not.
func periodically(interval time.Duration, push func(context.Context) error, failed func(error)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				if err := push(ctx); err != nil && ctx.Err() == nil {
					failed(err)
				}
			}
		}
	}()
	return func() {
		cancel()
		<-done
		last, cancel := context.WithTimeout(context.Background(), endTimeout)
		defer cancel()
		if err := push(last); err != nil {
			failed(err)
		}
	}
}
