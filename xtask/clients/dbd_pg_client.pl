# Perl's DBD::Pg with the system's libpq. The line protocol is that of README.md.
use strict;
use warnings;

use DBD::Pg qw(:async);
use DBI;
use JSON::PP;

my @ROWS  = ("1\tone\n", "2\t\\N\n");
my @LIBPQ = qw(host hostaddr port dbname connect_timeout sslmode sslrootcert sslcert sslkey channel_binding);

sub expect {
    my ($what, $seen, $wanted) = @_;
    die "$what gave $seen, expected $wanted\n" if $seen ne $wanted;
}

sub connect_to {
    my ($request) = @_;
    my $words = join ';', map { "$_=$request->{$_}" } grep { exists $request->{$_} } @LIBPQ;
    my %how = (RaiseError => 1, PrintError => 0, AutoCommit => 1);
    return DBI->connect("dbi:Pg:$words", $request->{user}, $request->{password} // '', \%how);
}

sub one {
    my ($db) = @_;
    expect('select 1', $db->selectrow_array('select 1'), 1);
}

sub prepared {
    my ($db) = @_;
    my $statement = $db->prepare('select ?::int + 1', { pg_server_prepare => 1, pg_prepare_now => 1 });
    for my $value (41, 1) {
        $statement->execute($value);
        expect('the prepared statement', $statement->fetchrow_array, $value + 1);
        $statement->finish;
    }
}

sub copy {
    my ($db, $table) = @_;
    $db->do("create table $table (a int, b text)");
    $db->do("copy $table from stdin");
    $db->pg_putcopydata($_) for @ROWS;
    $db->pg_putcopyend;
    $db->do("copy $table to stdout");
    my ($seen, $row) = ('');
    $seen .= $row while $db->pg_getcopydata(\$row) >= 0;
    expect('the copy', $seen, join '', @ROWS);
    $db->do("drop table $table");
}

sub cancel {
    my ($db, $statement) = @_;
    $db->do($statement, { pg_async => PG_ASYNC });
    return $db->pg_cancel ? JSON::PP::true : JSON::PP::false;
}

sub act {
    my ($action, $request) = @_;
    my $answer = { ok => JSON::PP::true };
    my $db     = connect_to($request);
    if ($action eq 'reconnect') {
        one($db);
        $db->disconnect;
        $db = connect_to($request);
    }
    elsif ($action eq 'prepared') { prepared($db) }
    elsif ($action eq 'copy')     { copy($db, $request->{table}) }
    elsif ($action eq 'cancel')   { $answer->{canceled} = cancel($db, $request->{statement}) }
    one($db);
    $db->disconnect;
    return $answer;
}

$| = 1;
my $json = JSON::PP->new->canonical;
print $json->encode({ driver => "DBD::Pg $DBD::Pg::VERSION" }), "\n";
while (my $line = <STDIN>) {
    chomp $line;
    my ($action, @pairs) = split /\t/, $line;
    my %request = map { split /=/, $_, 2 } @pairs;
    my $answer = eval { act($action, \%request) };
    if (!$answer) {
        # DBD::Pg gives 22000 or 08006 for what libpq says before there is a session.
        my $text = $DBI::errstr // $@;
        $answer = { error => "$text", sqlstate => undef };
    }
    print $json->encode($answer), "\n";
}
