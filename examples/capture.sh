#!/bin/sh
# capture.sh - makes traffic.pcap and traffic.pcapng: real clients talk to real servers in two network namespaces.
#
# usage: capture.sh [FOLDER]     as root; needs iproute2 ethtool tcpdump curl openssl dnsmasq dig ping python3 editcap
#        clang with the BPF target, libbpf's headers
# Everything it creates (namespaces skep-c and skep-s, servers, a temporary folder) is gone when it ends.
set -eu

out=${1:-$(dirname "$0")}
tmp=$(mktemp -d)
clang=${CLANG:-clang-19}
started=""

cleanup() {
    for pid in $started; do kill "$pid" 2>/dev/null || true; done
    ip netns del skep-c 2>/dev/null || true
    ip netns del skep-s 2>/dev/null || true
    rm -rf "$tmp"
}
trap cleanup EXIT INT TERM

client() { ip netns exec skep-c "$@"; }
server() { ip netns exec skep-s "$@"; }
background() { "$@" >/dev/null 2>&1 & started="$started $!"; }

# -- two hosts on a wire, each with an untagged network and one on VLAN 100 ------------------------------------------------
# Tagging is done by two tc programs between the wire and an inner pair of interfaces, because not every kernel has VLAN
# devices: what leaves `inner` comes into `port`, gets the tag and goes out on the wire; the way back is the reverse.
cat >"$tmp/vlan.bpf.c" <<'EOF'
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
enum { WIRE = 10, PORT = 12, VLAN = 100 };
SEC("tc/tag") int push_tag(struct __sk_buff *skb)
{
    if (bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), VLAN))
        return TC_ACT_SHOT;
    return bpf_redirect(WIRE, 0);
}
SEC("tc/untag") int pop_tag(struct __sk_buff *skb)
{
    if (!skb->vlan_present || (skb->vlan_tci & 0xfff) != VLAN)
        return TC_ACT_OK;
    if (bpf_skb_vlan_pop(skb))
        return TC_ACT_SHOT;
    return bpf_redirect(PORT, 0);
}
char _license[] SEC("license") = "GPL";
EOF
$clang -target bpf -O2 -g -I"/usr/include/$(uname -m)-linux-gnu" -c "$tmp/vlan.bpf.c" -o "$tmp/vlan.o"

ip netns add skep-c
ip netns add skep-s
ip -n skep-c link add wire index 10 type veth peer name wire index 10 netns skep-s
ip -n skep-c link set wire address 02:00:00:00:00:0c
ip -n skep-s link set wire address 02:00:00:00:00:05
for side in c s; do
    host=1; [ $side = s ] && host=2
    ip -n skep-$side link add inner index 11 type veth peer name port index 12
    ip -n skep-$side link set inner address 02:00:00:00:01:0$host
    # No offloads: the capture shall hold what a wire carries, with whole checksums and no giant segments.
    for device in wire inner port; do
        ip netns exec skep-$side ethtool -K $device tx off rx off tso off gso off gro off >/dev/null
        ip -n skep-$side link set $device up
    done
    ip -n skep-$side link set lo up
    ip -n skep-$side addr add 192.0.2.$host/24 dev wire
    ip -n skep-$side addr add 2001:db8::$host/64 dev wire nodad
    ip -n skep-$side addr add 198.51.100.$host/24 dev inner
    ip -n skep-$side addr add 2001:db8:100::$host/64 dev inner nodad
    tc -n skep-$side qdisc add dev wire clsact
    tc -n skep-$side qdisc add dev port clsact
    tc -n skep-$side filter add dev wire ingress bpf da obj "$tmp/vlan.o" sec tc/untag
    tc -n skep-$side filter add dev port ingress bpf da obj "$tmp/vlan.o" sec tc/tag
done
ip -n skep-c addr add 192.0.2.66/24 dev wire # the scanner's

# -- servers ---------------------------------------------------------------------------------------------------------------
mkdir "$tmp/www"
for size in 1 3 7 12 20; do
    openssl rand -hex $((size * 512)) >"$tmp/www/$size.txt"
done
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$tmp/key" -out "$tmp/cert" -days 36500 \
    -subj /CN=server.example 2>/dev/null
background server tcpdump -i wire -U -s 0 --nano -w "$tmp/traffic.pcap"
background server python3 -m http.server --bind 192.0.2.2 --directory "$tmp/www" 8080
background server python3 -m http.server --bind 2001:db8::2 --directory "$tmp/www" 8080
background server python3 -m http.server --bind 198.51.100.2 --directory "$tmp/www" 8080
background server openssl s_server -key "$tmp/key" -cert "$tmp/cert" -accept 443 -www
background server dnsmasq --keep-in-foreground --conf-file=/dev/null --no-hosts --no-resolv --port=53 \
    --bind-interfaces --interface=wire --pid-file= --user=root \
    --address=/www.example/192.0.2.2 --address=/www.example/2001:db8::2 \
    --mx-host=example,mail.example,10 --txt-record=note.example,hello
sleep 2

# -- clients ---------------------------------------------------------------------------------------------------------------
background client ping -i 0.02 -c 150 192.0.2.2
background client ping -i 0.02 -c 100 2001:db8::2
background client ping -i 0.02 -c 50 198.51.100.2
background client ping -i 0.02 -c 50 2001:db8:100::2
background client ping -i 0.05 -c 20 -s 4000 192.0.2.2     # fragments
background client ping -i 0.05 -c 20 -s 4000 2001:db8::2
for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
    for size in 1 3 7 12 20; do
        client curl -s -o /dev/null "http://192.0.2.2:8080/$size.txt"
    done
    client curl -s -o /dev/null "http://[2001:db8::2]:8080/7.txt"
    client curl -s -o /dev/null "http://198.51.100.2:8080/3.txt"
    client curl -s -o /dev/null http://192.0.2.2:8080/missing
    for type in A AAAA; do
        client dig +tries=1 +time=1 @192.0.2.2 www.example $type >/dev/null
        client dig +tries=1 +time=1 @2001:db8::2 www.example $type >/dev/null
    done
    client dig +tries=1 +time=1 @192.0.2.2 example MX >/dev/null
    client dig +tries=1 +time=1 @192.0.2.2 note.example TXT >/dev/null
    client dig +tries=1 +time=1 +tcp @192.0.2.2 www.example A >/dev/null
    client curl -sk -o /dev/null https://192.0.2.2/
    client openssl s_client -connect 192.0.2.2:443 -tls1_2 </dev/null >/dev/null 2>&1
done
# A scan of closed ports from the second address, and then that host's try to fetch a page.
client python3 - <<'EOF'
import socket
for port in range(1000, 1120):
    s = socket.socket()
    s.bind(("192.0.2.66", 0))
    s.settimeout(0.2)
    s.connect_ex(("192.0.2.2", port))
    s.close()
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for port in range(2000, 2020):
    udp.sendto(b"anybody there?", ("192.0.2.2", port))
EOF
client curl -s -m 2 --interface 192.0.2.66 -o /dev/null http://192.0.2.2:8080/1.txt || true
sleep 3

for pid in $started; do kill "$pid" 2>/dev/null || true; done
wait || true
started=""
cp "$tmp/traffic.pcap" "$out/traffic.pcap"
editcap -F pcapng -r "$tmp/traffic.pcap" "$out/traffic.pcapng" 1-40
ls -l "$out/traffic.pcap" "$out/traffic.pcapng"
