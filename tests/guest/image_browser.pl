#!/usr/bin/perl
# Stands in for Chromium in an image that has none: answers on the DevTools pipe as a browser with one page,
# shows a picture of four coloured fields by the X protocol, along their top the machine's uptime, and plays a
# tone of 1000 Hz where it is told to. Needs Perl's base and aplay only.
use strict;
use warnings;
use Socket;

my ($pcm, $width, $height) = ('default', 1280, 720);
my $strip = 12; # rows that tell the time
for (@ARGV) {
	$pcm = $1 if /^--alsa-output-device=(.*)/;
	($width, $height) = ($1, $2) if /^--window-size=(\d+),(\d+)/;
	if (/^--(product-)?version$/) { print "Chromium 100.0.0.0\n"; exit 0 }
}
$SIG{PIPE} = 'IGNORE';

# The cookie of X, as the file of authority has it: family, then four counted texts.
sub cookie {
	my $number = shift;
	open my $file, '<:raw', $ENV{XAUTHORITY} // return '';
	local $/;
	my $bytes = <$file>;
	while (length $bytes) {
		(my $address, my $display, my $name, my $data, $bytes) = unpack 'x2 n/a n/a n/a n/a a*', $bytes;
		return $data if $name eq 'MIT-MAGIC-COOKIE-1';
	}
	return '';
}

sub take {
	my ($from, $size) = @_;
	my $bytes = '';
	while (length $bytes < $size) {
		sysread($from, $bytes, $size - length $bytes, length $bytes) or die "X has gone\n";
	}
	return $bytes;
}

sub pad { my $text = shift; return $text . "\0" x (-length($text) % 4) }

# The uptime in tenths of a second, as twenty black or white cells, the highest bit first: when a picture was made.
sub draw_time {
	my ($x, $window, $context) = @_;
	open my $file, '<', '/proc/uptime' or return;
	my ($uptime) = <$file> =~ /([\d.]+)/;
	# One request: no picture is taken in the middle of it.
	my $line = join '', map { (int($uptime * 10) >> 19 - int($_ * 20 / $width) & 1 ? "\xff\xff\xff\0" : "\0\0\0\0") }
		0 .. $width - 1;
	my $requests = pack('C C v V V v v s s C C v', 72, 2, 6 + $width * $strip, $window, $context, $width, $strip, 0, 0,
		0, 24, 0) . $line x $strip;
	syswrite $x, $requests;
}

# Four fields: red, green, blue, white. They leave the strip alone, or a picture could be without the time.
sub draw {
	my ($number) = ($ENV{DISPLAY} // ':0') =~ /:(\d+)/;
	my $key = cookie($number);
	my $x;
	for my $path ("/tmp/.X11-unix/X$number", "\0/tmp/.X11-unix/X$number") {
		socket $x, PF_UNIX, SOCK_STREAM, 0 or die $!;
		last if connect $x, pack_sockaddr_un($path);
		undef $x;
	}
	die "no X\n" unless $x;
	my $name = length $key ? 'MIT-MAGIC-COOKIE-1' : '';
	syswrite $x, pack('a x v v v v x2', 'l', 11, 0, length $name, length $key) . pad($name) . pad($key);
	my ($ok, $words) = unpack 'C x5 v', take($x, 8);
	my $setup = take($x, 4 * $words);
	die "X refuses: $setup\n" unless $ok == 1;
	my ($base, $vendor, $formats) = unpack 'x4 V x8 v x3 C', $setup;
	my ($root, $white) = unpack 'V x4 V', substr $setup, 32 + length(pad('.' x $vendor)) + 8 * $formats;
	my ($window, $context) = ($base + 1, $base + 2);
	syswrite $x, pack 'C C v V V s s v v v v V V V', 1, 0, 9, $window, $root, 0, 0, $width, $height, 0, 1, 0,
		0x200, 1;
	syswrite $x, pack 'C x v V', 8, 2, $window;
	syswrite $x, pack 'C x v V V V V', 55, 5, $context, $window, 4, 0xff0000;
	while (1) {
		my $field = 0;
		for my $colour (0xff0000, 0x00ff00, 0x0000ff, 0xffffff) {
			my ($left, $top) = (($field & 1) * $width / 2, ($field >> 1) * $height / 2 || $strip);
			my $rows = $height / 2 - $top % ($height / 2);
			syswrite $x, pack('C x v V V V', 56, 4, $context, 4, $colour) .
				pack('C x v V V s s v v', 70, 5, $window, $context, $left, $top, $width / 2, $rows)
				or exit 0;
			$field++;
		}
		draw_time($x, $window, $context);
		select undef, undef, undef, 0.2;
	}
}

# A card that goes away may come back.
sub play {
	my $second = pack 's*', map { my $s = 10000 * sin 6.28318530717958648 * $_ / 48; ($s, $s) } 0 .. 47999;
	while (1) {
		open my $sound, '|-', 'aplay', '-q', '-D', $pcm, '-t', 'raw', '-f', 'S16_LE', '-r', '48000', '-c', '2' or die $!;
		binmode $sound;
		1 while syswrite $sound, $second;
		close $sound;
		select undef, undef, undef, 0.5;
	}
}

my @helpers;
for my $part (\&draw, \&play) {
	my $pid = fork;
	if (!$pid) { close STDIN; eval { $part->() }; print STDERR "browser: $@"; exit 1 }
	push @helpers, $pid;
}
END { kill TERM => @helpers if @helpers && $$ == $ENV{BROWSER_PID} }
$ENV{BROWSER_PID} = $$;

open my $in, '<&=3' or die $!;
open my $out, '>&=4' or die $!;
sub tell_it { my $text = shift; syswrite $out, "$text\0" }
my ($frame, $loads, $url) = ('F', 0, 'data:text/html,start');
my $session = '"sessionId":"S",';
sub frame { return qq({"id":"$frame","loaderId":"L$loads","url":"page:$loads"}) }

sub answer {
	my $call = shift;
	my ($id) = $call =~ /"id"\s*:\s*(\d+)/;
	my ($method) = $call =~ /"method"\s*:\s*"([^"]+)"/;
	my $in_session = $call =~ /"sessionId"\s*:\s*"S"/ ? $session : '';
	my $result = '{}';
	my @events;
	if ($method eq 'Target.setDiscoverTargets') {
		@events = (qq({"method":"Target.targetCreated","params":{"targetInfo":{"targetId":"$frame","type":"page",)
			. qq("title":"","url":"page:0","attached":false}}}));
	} elsif ($method eq 'Target.attachToTarget') {
		$result = '{"sessionId":"S"}';
	} elsif ($method eq 'Page.getFrameTree') {
		$result = '{"frameTree":{"frame":' . frame() . '}}';
	} elsif ($method eq 'Browser.getVersion') {
		$result = '{"product":"Chrome/100.0.0.0"}';
	} elsif ($method eq 'Page.navigate') {
		$loads++;
		$result = qq({"frameId":"$frame","loaderId":"L$loads"});
		@events = (qq({"method":"Page.frameNavigated",${session}"params":{"frame":) . frame() . '}}',
			qq({"method":"Page.lifecycleEvent",${session}"params":{"frameId":"$frame","loaderId":"L$loads",)
				. '"name":"load","timestamp":1}}');
	} elsif ($method eq 'Runtime.evaluate') {
		$result = '{"result":{"type":"boolean","value":true}}';
	} elsif ($method eq 'Browser.close') {
		tell_it(qq({"id":$id,"result":{}}));
		exit 0;
	}
	tell_it(qq({"id":$id,${in_session}"result":$result}));
	tell_it($_) for @events;
}

my $bytes = '';
while (sysread $in, $bytes, 65536, length $bytes) {
	answer($1) while $bytes =~ s/^([^\0]*)\0//;
}
