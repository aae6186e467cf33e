// The line protocol of README.md for the programs in Go: one request a line, one answer a line.
//
// A program gives serve a way to connect, and a way to find the server's code in the driver's error.

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"
)

const rows = "1\tone\n2\t\\N\n"

// How long a statement runs before it is cancelled.
const beforeCancel = 200 * time.Millisecond

// What both drivers read as libpq's words.
var libpq = []string{"host", "port", "user", "password", "dbname", "connect_timeout", "sslmode", "sslrootcert", "sslcert", "sslkey"}

type session interface {
	one() error
	prepared() error
	copy(table string) error
	cancel(statement string) (bool, error)
	close() error
}

type answer struct {
	OK       bool   `json:"ok,omitempty"`
	Canceled *bool  `json:"canceled,omitempty"`
	Error    string `json:"error,omitempty"`
	SQLState string `json:"sqlstate,omitempty"`
}

func conninfo(request map[string]string) string {
	var words []string
	for _, name := range libpq {
		if value, ok := request[name]; ok {
			words = append(words, name+"="+value)
		}
	}
	return strings.Join(words, " ")
}

func expect(what string, seen, wanted interface{}) error {
	if seen != wanted {
		return fmt.Errorf("%s gave %v, expected %v", what, seen, wanted)
	}
	return nil
}

func act(connect func(map[string]string) (session, error), action string, request map[string]string) (answer, error) {
	done := answer{OK: true}
	open, err := connect(request)
	if err != nil {
		return done, err
	}
	defer func() { open.close() }()
	switch action {
	case "reconnect":
		if err = open.one(); err == nil {
			if err = open.close(); err == nil {
				var again session
				if again, err = connect(request); err == nil {
					open = again
				}
			}
		}
	case "prepared":
		err = open.prepared()
	case "copy":
		err = open.copy(request["table"])
	case "cancel":
		var canceled bool
		canceled, err = open.cancel(request["statement"])
		done.Canceled = &canceled
	}
	if err != nil {
		return done, err
	}
	return done, open.one()
}

func serve(driver string, connect func(map[string]string) (session, error), sqlstate func(error) string) {
	out := json.NewEncoder(os.Stdout)
	out.Encode(map[string]string{"driver": driver})
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		words := strings.Split(lines.Text(), "\t")
		request := map[string]string{}
		for _, word := range words[1:] {
			pair := strings.SplitN(word, "=", 2)
			request[pair[0]] = pair[1]
		}
		done, err := act(connect, words[0], request)
		if err != nil {
			done = answer{Error: err.Error(), SQLState: sqlstate(err)}
		}
		out.Encode(done)
	}
}
