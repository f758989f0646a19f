#!/usr/bin/perl
# Registers a domain with Net::EPP (Debian: libnet-epp-perl) and reads everything back.
#
#   with_net_epp.pl HOST PORT REGISTRAR PASSWORD CA_FILE NAME
#
# NAME is a label: contacts NAME-r, NAME-a, NAME-t, hosts ns1 and ns2.NAME.invalid, domain NAME.test with a host of its
# own. Ends with 0 after the line "passed", or with the first difference.
use strict;
use warnings;
use Net::EPP::Simple;

$| = 1;
my ($host, $port, $registrar, $password, $ca_file, $name) = @ARGV;
die "usage: $0 HOST PORT REGISTRAR PASSWORD CA_FILE NAME\n" unless defined $name;

my $epp = Net::EPP::Simple->new(
    host => $host, port => $port, user => $registrar, pass => $password,
    verify => 1, ca_file => $ca_file, timeout => 30, reconnect => 0, load_config => 0,
) or die "login: " . ($Net::EPP::Simple::Error || $Net::EPP::Simple::Message) . "\n";
code_is(1000, 'login');

my $domain = "$name.test";
my @external = ("ns1.$name.invalid", "ns2.$name.invalid");

# --- contacts
for my $role ('r', 'a', 't') {
    my $contact = {
        id         => "$name-$role",
        postalInfo => {
            int => {
                name => "Person $role", org => 'Rost & Sons',
                addr => { street => [ '1 Example Way', 'Floor 2' ], city => 'Turku', sp => 'Varsinais-Suomi',
                          pc => '20100', cc => 'FI' },
            },
        },
        voice => '+358.21234567', fax => '+358.21234568', email => "$role\@$name.invalid",
        authInfo => 'contact-Secret-9',
    };
    same(1, $epp->check_contact($contact->{id}), "$contact->{id} is free");
    done($epp->create_contact($contact), "create $contact->{id}");
    same(0, $epp->check_contact($contact->{id}), "$contact->{id} is taken");
    my $read = done($epp->contact_info($contact->{id}), "info $contact->{id}");
    same($contact->{$_}, $read->{$_}, "$_ of $contact->{id}") for qw(id voice fax email);
    same($registrar, $read->{clID}, "sponsor of $contact->{id}");
    my ($sent, $got) = ($contact->{postalInfo}{int}, $read->{postalInfo}{int});
    same($sent->{$_}, $got->{$_}, "$_ of $contact->{id}") for qw(name org);
    same($sent->{addr}{$_}, $got->{addr}{$_}, "$_ of $contact->{id}") for qw(city sp pc cc);
    same(join('|', @{ $sent->{addr}{street} }), join('|', @{ $got->{addr}{street} }), "street of $contact->{id}");
    same('ok', join(' ', @{ $read->{status} }), "status of $contact->{id}");
}

# --- hosts in other people's zones
for my $ns (@external) {
    same(1, $epp->check_host($ns), "$ns is free");
    done($epp->create_host({ name => $ns, addrs => [] }), "create $ns");
    same(0, $epp->check_host($ns), "$ns is taken");
    my $read = done($epp->host_info($ns), "info $ns");
    same($ns, $read->{name}, "name of $ns");
    same($registrar, $read->{clID}, "sponsor of $ns");
}

# --- the domain
my %sent = (
    name => $domain, period => 2, ns => \@external, registrant => "$name-r",
    contacts => { admin => "$name-a", tech => "$name-t" }, authInfo => 'domain-Secret-9',
);
same(1, $epp->check_domain($domain), "$domain is free");
done($epp->create_domain(\%sent), "create $domain");
same(0, $epp->check_domain($domain), "$domain is taken");
my $read = done($epp->domain_info($domain), "info $domain");
same($sent{$_}, $read->{$_}, "$_ of $domain") for qw(name registrant);
same($registrar, $read->{$_}, "$_ of $domain") for qw(clID crID);
same($sent{contacts}{$_}, $read->{contacts}{$_}, "$_ of $domain") for qw(admin tech);
same(join(' ', @external), join(' ', sort @{ $read->{ns} }), "name servers of $domain");
same(substr($read->{crDate}, 0, 4) + 2, substr($read->{exDate}, 0, 4), "years of $domain");
same(undef, $read->{authInfo}, "the authInfo is never shown");
$read = done($epp->contact_info("$name-t"), "info $name-t");
same('linked ok', join(' ', sort @{ $read->{status} }), "status of $name-t");

# --- a host below the domain, with addresses
my $glued = "ns.$domain";
my @addresses = ({ version => 'v4', ip => '192.0.2.53' }, { version => 'v6', ip => '2001:db8::53' });
done($epp->create_host({ name => $glued, addrs => \@addresses }), "create $glued");
$read = done($epp->host_info($glued), "info $glued");
same(
    join(' ', map { "$_->{version}=$_->{ip}" } @addresses),
    join(' ', sort map { "$_->{version}=$_->{addr}" } @{ $read->{addrs} }),
    "addresses of $glued"
);
same($glued, join(' ', @{ done($epp->domain_info($domain), "info $domain")->{hosts} }), "hosts of $domain");

# --- what is refused
die "a second create of $domain was accepted\n" if $epp->create_domain(\%sent);
code_is(2302, "a second create of $domain");

$epp->logout or die "logout: no answer\n";
print "passed\n";

# The result of a call that must have succeeded.
sub done {
    my ($result, $what) = @_;
    defined $result or die "$what: " . Net::EPP::Simple::code() . ' ' . (Net::EPP::Simple::error() || '') . "\n";
    code_is(1000, $what);
    return $result;
}

sub code_is {
    my ($code, $what) = @_;
    same($code, Net::EPP::Simple::code(), "result code of $what");
}

sub same {
    my ($want, $have, $what) = @_;
    $_ = defined $_ ? $_ : '(nothing)' for ($want, $have);
    $want eq $have or die "$what: expected '$want', found '$have'\n";
    return print "ok $what\n";
}
