// pgx 4, whose TLS is Go's own.

package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgconn"
	"github.com/jackc/pgx/v4"
)

var background = context.Background()

type pgxSession struct{ conn *pgx.Conn }

func connectPgx(request map[string]string) (session, error) {
	conn, err := pgx.Connect(background, conninfo(request))
	if err != nil {
		return nil, err
	}
	return pgxSession{conn}, nil
}

func (s pgxSession) one() error {
	var one int
	if err := s.conn.QueryRow(background, "select 1").Scan(&one); err != nil {
		return err
	}
	return expect("select 1", one, 1)
}

func (s pgxSession) prepared() error {
	if _, err := s.conn.Prepare(background, "next", "select $1::int + 1"); err != nil {
		return err
	}
	for _, value := range []int{41, 1} {
		var next int
		if err := s.conn.QueryRow(background, "next", value).Scan(&next); err != nil {
			return err
		}
		if err := expect("the prepared statement", next, value+1); err != nil {
			return err
		}
	}
	return nil
}

func (s pgxSession) copy(table string) error {
	raw := s.conn.PgConn()
	if _, err := s.conn.Exec(background, "create table "+table+" (a int, b text)"); err != nil {
		return err
	}
	if _, err := raw.CopyFrom(background, strings.NewReader(rows), "copy "+table+" from stdin"); err != nil {
		return err
	}
	var out bytes.Buffer
	if _, err := raw.CopyTo(background, &out, "copy "+table+" to stdout"); err != nil {
		return err
	}
	if err := expect("the copy", out.String(), rows); err != nil {
		return err
	}
	_, err := s.conn.Exec(background, "drop table "+table)
	return err
}

func (s pgxSession) cancel(statement string) (bool, error) {
	raw := s.conn.PgConn()
	requested := make(chan error, 1)
	time.AfterFunc(beforeCancel, func() { requested <- raw.CancelRequest(background) })
	_, err := raw.Exec(background, statement).ReadAll()
	if failed := <-requested; failed != nil {
		return false, failed
	}
	if pgxState(err) == "57014" {
		return true, nil
	}
	return false, err
}

func (s pgxSession) close() error { return s.conn.Close(background) }

func pgxState(err error) string {
	var failure *pgconn.PgError
	if errors.As(err, &failure) {
		return failure.Code
	}
	return ""
}

func main() { serve("pgx 4", connectPgx, pgxState) }
