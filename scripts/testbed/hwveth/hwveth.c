// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * hwveth: pairs of network interfaces, joined like veth, that stamp packets in
 * "hardware": each has a PTP hardware clock of its own, and gives transmit and
 * receive stamps on it by the same kernel interfaces as a real NIC.
 *
 * A clock is an exact linear function of CLOCK_MONOTONIC_RAW, and both ends
 * take their stamp from one reading of it, so the truth is known to the
 * nanosecond: without knobs a packet is received at the moment it was sent.
 *
 * Each NIC is a platform device, so it goes and comes back the way a real one
 * does, with its clock, whoever has them open:
 *
 *	echo hwveth.0 > /sys/bus/platform/drivers/hwveth/unbind
 *	echo hwveth.0 > /sys/bus/platform/drivers/hwveth/bind
 *
 * NIC 2n is joined to NIC 2n + 1. Written for Linux 6.12.
 */
#include <linux/ethtool.h>
#include <linux/etherdevice.h>
#include <linux/hrtimer.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/net_tstamp.h>
#include <linux/platform_device.h>
#include <linux/ptp_classify.h>
#include <linux/ptp_clock_kernel.h>
#include <linux/timekeeping.h>
#include <linux/udp.h>
#include <net/busy_poll.h>

#define MAX_NICS 8

static int pairs = 1;
module_param(pairs, int, 0444);
MODULE_PARM_DESC(pairs, "pairs of NICs to make, 1 to 4");

static int ppb[MAX_NICS];
module_param_array(ppb, int, NULL, 0444);
MODULE_PARM_DESC(ppb, "per NIC: how fast its clock runs away, parts per 10^9");

static long phc_off_ns[MAX_NICS];
module_param_array(phc_off_ns, long, NULL, 0444);
MODULE_PARM_DESC(phc_off_ns, "per NIC: its clock minus CLOCK_REALTIME when it is made");

static bool cross = true;
module_param(cross, bool, 0444);
MODULE_PARM_DESC(cross, "offer PTP_SYS_OFFSET_PRECISE");

static unsigned int filters = BIT(HWTSTAMP_FILTER_NONE) |
			      BIT(HWTSTAMP_FILTER_ALL) |
			      BIT(HWTSTAMP_FILTER_PTP_V2_EVENT) |
			      BIT(HWTSTAMP_FILTER_NTP_ALL);
module_param(filters, uint, 0644);
MODULE_PARM_DESC(filters, "bit mask of the HWTSTAMP_FILTER_* that are accepted");

static unsigned int link_mbps = SPEED_1000;
module_param(link_mbps, uint, 0644);
MODULE_PARM_DESC(link_mbps, "link speed to claim; packets take no time whatever it says");

static int wire_ns[MAX_NICS];
module_param_array(wire_ns, int, NULL, 0644);
MODULE_PARM_DESC(wire_ns, "per NIC: how long packets take that it receives");

static int tx_lat_ns[MAX_NICS];
module_param_array(tx_lat_ns, int, NULL, 0644);
MODULE_PARM_DESC(tx_lat_ns, "per NIC: added to transmit stamps, an error of the stamp");

static int rx_lat_ns[MAX_NICS];
module_param_array(rx_lat_ns, int, NULL, 0644);
MODULE_PARM_DESC(rx_lat_ns, "per NIC: added to receive stamps, an error of the stamp");

static unsigned int tx_drop;
module_param(tx_drop, uint, 0644);
MODULE_PARM_DESC(tx_drop, "lose every Nth transmit stamp of a NIC; 0: none");

static unsigned int rx_drop;
module_param(rx_drop, uint, 0644);
MODULE_PARM_DESC(rx_drop, "lose every Nth receive stamp of a NIC; 0: none");

static unsigned int tx_delay_us;
module_param(tx_delay_us, uint, 0644);
MODULE_PARM_DESC(tx_delay_us, "how late transmit stamps reach the error queue");

/*
 * A rate is counted in 2^-16 parts per 10^9, which holds both kinds of input
 * exactly: whole parts per 10^9, and the 2^-16 parts per 10^6 of adjfine().
 */
#define RATE_ONE (1000000000ULL << 16)

/* A PTP hardware clock: base_ns at base_raw, and (1 + rate / RATE_ONE) ns a ns. */
struct phc {
	spinlock_t lock;
	u64 base_raw;
	s64 base_ns;
	s64 own_rate;		/* error of the oscillator */
	s64 adj_rate;		/* what adjfine() adds to it */
	struct ptp_clock_info info;
	struct ptp_clock *ptp;
};

struct nic {
	struct net_device *dev;
	unsigned int index;
	struct phc phc;
	int tx_type;		/* HWTSTAMP_TX_* and HWTSTAMP_FILTER_*, */
	int rx_filter;		/* as SIOCSHWTSTAMP left them */
	unsigned int tx_stamps;
	unsigned int rx_stamps;
	/* Sent packets whose stamp is on its way to their socket, oldest first. */
	struct sk_buff_head stamping;
	struct hrtimer stamp_timer;
	/* Packets to receive. By NAPI as in a real NIC: SCM_TIMESTAMPING_PKTINFO
	 * finds the interface of a packet by its NAPI id.
	 */
	struct sk_buff_head received;
	struct napi_struct napi;
};

/* Kept in skb->cb while a packet waits in nic->stamping. */
struct pending_stamp {
	ktime_t stamp;
	ktime_t due;
};

#define PENDING(skb) ((struct pending_stamp *)(skb)->cb)

/* Written under RTNL, read by the other end's transmit path under RCU. */
static struct nic __rcu *nics[MAX_NICS];
static struct platform_device *platform_devices[MAX_NICS];

/* The clock. */

/* dt * rate / RATE_ONE: in 128 bits, and without rebasing, so that nothing adds up. */
static s64 phc_gain(s64 dt, s64 rate)
{
	u64 gain = mul_u64_u64_div_u64(abs(dt), abs(rate), RATE_ONE);

	return (dt < 0) == (rate < 0) ? gain : -gain;
}

static s64 phc_at_locked(const struct phc *phc, u64 raw)
{
	s64 dt = raw - phc->base_raw;

	return phc->base_ns + dt + phc_gain(dt, phc->own_rate + phc->adj_rate);
}

static s64 phc_at(struct phc *phc, u64 raw)
{
	unsigned long flags;
	s64 ns;

	spin_lock_irqsave(&phc->lock, flags);
	ns = phc_at_locked(phc, raw);
	spin_unlock_irqrestore(&phc->lock, flags);
	return ns;
}

static int phc_adjfine(struct ptp_clock_info *info, long scaled_ppm)
{
	struct phc *phc = container_of(info, struct phc, info);
	unsigned long flags;
	u64 raw;

	spin_lock_irqsave(&phc->lock, flags);
	raw = ktime_get_raw_ns();
	phc->base_ns = phc_at_locked(phc, raw);
	phc->base_raw = raw;
	phc->adj_rate = (s64)scaled_ppm * 1000;
	spin_unlock_irqrestore(&phc->lock, flags);
	return 0;
}

static int phc_adjtime(struct ptp_clock_info *info, s64 delta)
{
	struct phc *phc = container_of(info, struct phc, info);
	unsigned long flags;

	spin_lock_irqsave(&phc->lock, flags);
	phc->base_ns += delta;
	spin_unlock_irqrestore(&phc->lock, flags);
	return 0;
}

static int phc_settime(struct ptp_clock_info *info, const struct timespec64 *ts)
{
	struct phc *phc = container_of(info, struct phc, info);
	unsigned long flags;

	spin_lock_irqsave(&phc->lock, flags);
	phc->base_raw = ktime_get_raw_ns();
	phc->base_ns = timespec64_to_ns(ts);
	spin_unlock_irqrestore(&phc->lock, flags);
	return 0;
}

static int phc_gettimex(struct ptp_clock_info *info, struct timespec64 *ts,
			struct ptp_system_timestamp *sts)
{
	struct phc *phc = container_of(info, struct phc, info);
	u64 raw;

	ptp_read_system_prets(sts);
	raw = ktime_get_raw_ns();
	ptp_read_system_postts(sts);
	*ts = ns_to_timespec64(phc_at(phc, raw));
	return 0;
}

static int phc_getcrosststamp(struct ptp_clock_info *info,
			      struct system_device_crosststamp *cts)
{
	struct phc *phc = container_of(info, struct phc, info);
	struct system_time_snapshot now;

	/* All clocks from one reading of the counter. */
	ktime_get_snapshot(&now);
	cts->sys_realtime = now.real;
	cts->sys_monoraw = now.raw;
	cts->device = ns_to_ktime(phc_at(phc, ktime_to_ns(now.raw)));
	return 0;
}

static int phc_enable(struct ptp_clock_info *info,
		      struct ptp_clock_request *request, int on)
{
	return -EOPNOTSUPP;
}

static int phc_register(struct nic *nic, struct device *parent)
{
	struct phc *phc = &nic->phc;
	struct system_time_snapshot now;

	spin_lock_init(&phc->lock);
	ktime_get_snapshot(&now);
	phc->base_raw = ktime_to_ns(now.raw);
	phc->base_ns = ktime_to_ns(now.real) + phc_off_ns[nic->index];
	phc->own_rate = (s64)ppb[nic->index] << 16;
	phc->info = (struct ptp_clock_info) {
		.owner = THIS_MODULE,
		.max_adj = 500000000,
		.adjfine = phc_adjfine,
		.adjtime = phc_adjtime,
		.gettimex64 = phc_gettimex,
		.settime64 = phc_settime,
		.getcrosststamp = cross ? phc_getcrosststamp : NULL,
		.enable = phc_enable,
	};
	snprintf(phc->info.name, sizeof(phc->info.name), "hwveth%u", nic->index);
	phc->ptp = ptp_clock_register(&phc->info, parent);
	return PTR_ERR_OR_ZERO(phc->ptp);
}

/* Transmit stamps, on their way to the error queue. */

/* With nic->stamping.lock held. */
static void arm_stamp_timer(struct nic *nic)
{
	struct sk_buff *first = skb_peek(&nic->stamping);

	if (first)
		hrtimer_start(&nic->stamp_timer, PENDING(first)->due,
			      HRTIMER_MODE_ABS_SOFT);
}

/* Keeps the packet until its stamp is delivered, whoever stops caring for it. */
static void queue_stamp(struct nic *nic, struct sk_buff *skb, u64 raw)
{
	unsigned long flags;

	raw += READ_ONCE(tx_lat_ns[nic->index]);
	PENDING(skb)->stamp = ns_to_ktime(phc_at(&nic->phc, raw));
	PENDING(skb)->due = ktime_add_us(ktime_get(), READ_ONCE(tx_delay_us));

	spin_lock_irqsave(&nic->stamping.lock, flags);
	__skb_queue_tail(&nic->stamping, skb);
	if (skb_queue_len(&nic->stamping) == 1)
		arm_stamp_timer(nic);
	spin_unlock_irqrestore(&nic->stamping.lock, flags);
}

static enum hrtimer_restart deliver_stamps(struct hrtimer *timer)
{
	struct nic *nic = container_of(timer, struct nic, stamp_timer);
	ktime_t now = ktime_get();
	struct sk_buff_head due;
	struct sk_buff *skb;
	unsigned long flags;

	__skb_queue_head_init(&due);
	spin_lock_irqsave(&nic->stamping.lock, flags);
	while ((skb = skb_peek(&nic->stamping)) && PENDING(skb)->due <= now) {
		__skb_unlink(skb, &nic->stamping);
		__skb_queue_tail(&due, skb);
	}
	arm_stamp_timer(nic);
	spin_unlock_irqrestore(&nic->stamping.lock, flags);

	while ((skb = __skb_dequeue(&due))) {
		struct skb_shared_hwtstamps stamps = {
			.hwtstamp = PENDING(skb)->stamp,
		};

		skb_tstamp_tx(skb, &stamps);
		consume_skb(skb);
	}
	return HRTIMER_NORESTART;
}

/* Packets. */

/* Whether "every" counts this one out. */
static bool is_dropped(unsigned int *count, unsigned int every)
{
	return every && ++*count % every == 0;
}

/* A PTP event message over UDP or Ethernet; skb->data is at the network header. */
static bool is_ptp_event(const struct sk_buff *skb)
{
	union {
		struct iphdr v4;
		struct ipv6hdr v6;
	} ip_buffer;
	const struct iphdr *v4;
	const struct ipv6hdr *v6;
	struct udphdr udp_buffer;
	const struct udphdr *udp;
	int offset;

	switch (ntohs(skb->protocol)) {
	case ETH_P_1588:
		return true;
	case ETH_P_IP:
		v4 = skb_header_pointer(skb, 0, sizeof(*v4), &ip_buffer);
		if (!v4 || v4->protocol != IPPROTO_UDP)
			return false;
		offset = v4->ihl * 4;
		break;
	case ETH_P_IPV6:
		v6 = skb_header_pointer(skb, 0, sizeof(*v6), &ip_buffer);
		if (!v6 || v6->nexthdr != IPPROTO_UDP)
			return false;
		offset = sizeof(*v6);
		break;
	default:
		return false;
	}
	udp = skb_header_pointer(skb, offset, sizeof(*udp), &udp_buffer);
	return udp && ntohs(udp->dest) == PTP_EV_PORT;
}

static bool is_stamped_on_receipt(const struct nic *nic, const struct sk_buff *skb)
{
	switch (nic->rx_filter) {
	case HWTSTAMP_FILTER_ALL:
	case HWTSTAMP_FILTER_NTP_ALL:
		return true;
	case HWTSTAMP_FILTER_PTP_V2_EVENT:
		return is_ptp_event(skb);
	default:
		return false;
	}
}

/* Takes the packet. */
static void receive(struct nic *nic, struct sk_buff *skb, u64 raw)
{
	unsigned int length = skb->len;

	/* Frees the packet where it may not pass. */
	if (__dev_forward_skb(nic->dev, skb))
		return;
	/* What the sender asked for is none of the receiver's business. */
	memset(skb_hwtstamps(skb), 0, sizeof(struct skb_shared_hwtstamps));
	skb_shinfo(skb)->tx_flags = 0;
	if (is_stamped_on_receipt(nic, skb) &&
	    !is_dropped(&nic->rx_stamps, READ_ONCE(rx_drop))) {
		raw += READ_ONCE(wire_ns[nic->index]);
		raw += READ_ONCE(rx_lat_ns[nic->index]);
		skb_hwtstamps(skb)->hwtstamp = ns_to_ktime(phc_at(&nic->phc, raw));
	}
	DEV_STATS_INC(nic->dev, rx_packets);
	DEV_STATS_ADD(nic->dev, rx_bytes, length);
	skb_queue_tail(&nic->received, skb);
	napi_schedule(&nic->napi);
}

static int nic_poll(struct napi_struct *napi, int budget)
{
	struct nic *nic = container_of(napi, struct nic, napi);
	struct sk_buff *skb;
	int done = 0;

	while (done < budget && (skb = skb_dequeue(&nic->received))) {
		skb_mark_napi_id(skb, napi);
		netif_receive_skb(skb);
		done++;
	}
	/* A packet queued since the last look has found NAPI still scheduled. */
	if (done < budget && napi_complete_done(napi, done) &&
	    !skb_queue_empty(&nic->received))
		napi_schedule(napi);
	return done;
}

static struct nic *nic_of(const struct net_device *dev)
{
	return netdev_priv(dev);
}

static netdev_tx_t nic_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct nic *nic = nic_of(dev);
	struct nic *peer = rcu_dereference_bh(nics[nic->index ^ 1]);
	struct sk_buff *copy;
	bool stamped;
	u64 raw;

	/* A copy and no clone: stamps and requests for them are in the part that clones share. */
	copy = skb_copy(skb, GFP_ATOMIC);
	stamped = skb_shinfo(skb)->tx_flags & SKBTX_HW_TSTAMP &&
		  nic->tx_type == HWTSTAMP_TX_ON;
	if (stamped)
		skb_shinfo(skb)->tx_flags |= SKBTX_IN_PROGRESS;
	DEV_STATS_INC(dev, tx_packets);
	DEV_STATS_ADD(dev, tx_bytes, skb->len);
	skb_tx_timestamp(skb);

	/* The one instant at which the packet leaves here and arrives there. */
	raw = ktime_get_raw_ns();
	if (stamped && !is_dropped(&nic->tx_stamps, READ_ONCE(tx_drop)))
		queue_stamp(nic, skb, raw);
	else
		consume_skb(skb);

	if (copy && peer && netif_running(peer->dev))
		receive(peer, copy, raw);
	else
		kfree_skb(copy);
	return NETDEV_TX_OK;
}

/* The interface. */

/* As in veth, there is a carrier while both ends are up. */
static int nic_open(struct net_device *dev)
{
	struct nic *nic = nic_of(dev);
	struct nic *peer = rtnl_dereference(nics[nic->index ^ 1]);

	napi_enable(&nic->napi);
	netif_start_queue(dev);
	if (peer && netif_running(peer->dev)) {
		netif_carrier_on(dev);
		netif_carrier_on(peer->dev);
	}
	return 0;
}

static int nic_stop(struct net_device *dev)
{
	struct nic *nic = nic_of(dev);
	struct nic *peer = rtnl_dereference(nics[nic->index ^ 1]);

	netif_stop_queue(dev);
	netif_carrier_off(dev);
	if (peer)
		netif_carrier_off(peer->dev);
	napi_disable(&nic->napi);
	skb_queue_purge(&nic->received);
	return 0;
}

static int nic_hwtstamp_get(struct net_device *dev, struct kernel_hwtstamp_config *config)
{
	config->flags = 0;
	config->tx_type = nic_of(dev)->tx_type;
	config->rx_filter = nic_of(dev)->rx_filter;
	return 0;
}

static int nic_hwtstamp_set(struct net_device *dev, struct kernel_hwtstamp_config *config,
			    struct netlink_ext_ack *extack)
{
	struct nic *nic = nic_of(dev);
	unsigned int accepted = READ_ONCE(filters);

	if (config->tx_type != HWTSTAMP_TX_OFF && config->tx_type != HWTSTAMP_TX_ON)
		return -ERANGE;
	if (config->rx_filter < 0 || config->rx_filter > HWTSTAMP_FILTER_NTP_ALL ||
	    !(accepted & BIT(config->rx_filter)))
		return -ERANGE;
	/* Real drivers widen a filter, too, and say so in their answer. */
	if (config->rx_filter == HWTSTAMP_FILTER_NTP_ALL &&
	    accepted & BIT(HWTSTAMP_FILTER_ALL))
		config->rx_filter = HWTSTAMP_FILTER_ALL;
	nic->tx_type = config->tx_type;
	nic->rx_filter = config->rx_filter;
	return 0;
}

static const struct net_device_ops nic_ops = {
	.ndo_open = nic_open,
	.ndo_stop = nic_stop,
	.ndo_start_xmit = nic_xmit,
	.ndo_set_mac_address = eth_mac_addr,
	.ndo_validate_addr = eth_validate_addr,
	.ndo_hwtstamp_get = nic_hwtstamp_get,
	.ndo_hwtstamp_set = nic_hwtstamp_set,
};

static int nic_get_ts_info(struct net_device *dev, struct kernel_ethtool_ts_info *info)
{
	info->so_timestamping = SOF_TIMESTAMPING_TX_SOFTWARE |
				SOF_TIMESTAMPING_RX_SOFTWARE |
				SOF_TIMESTAMPING_SOFTWARE |
				SOF_TIMESTAMPING_TX_HARDWARE |
				SOF_TIMESTAMPING_RX_HARDWARE |
				SOF_TIMESTAMPING_RAW_HARDWARE;
	info->phc_index = ptp_clock_index(nic_of(dev)->phc.ptp);
	info->tx_types = BIT(HWTSTAMP_TX_OFF) | BIT(HWTSTAMP_TX_ON);
	info->rx_filters = READ_ONCE(filters);
	return 0;
}

static int nic_get_link_ksettings(struct net_device *dev, struct ethtool_link_ksettings *settings)
{
	settings->base.speed = READ_ONCE(link_mbps);
	settings->base.duplex = DUPLEX_FULL;
	return 0;
}

static const struct ethtool_ops nic_ethtool_ops = {
	.get_ts_info = nic_get_ts_info,
	.get_link = ethtool_op_get_link,
	.get_link_ksettings = nic_get_link_ksettings,
};

/* Coming and going. */

static int nic_probe(struct platform_device *pdev)
{
	struct net_device *dev = alloc_etherdev(sizeof(struct nic));
	struct nic *nic;
	int err;

	if (!dev)
		return -ENOMEM;
	SET_NETDEV_DEV(dev, &pdev->dev);
	snprintf(dev->name, sizeof(dev->name), "hwv%d", pdev->id);
	dev->netdev_ops = &nic_ops;
	dev->ethtool_ops = &nic_ethtool_ops;
	eth_hw_addr_random(dev);
	netif_carrier_off(dev);

	nic = nic_of(dev);
	nic->dev = dev;
	nic->index = pdev->id;
	skb_queue_head_init(&nic->stamping);
	skb_queue_head_init(&nic->received);
	hrtimer_init(&nic->stamp_timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_SOFT);
	nic->stamp_timer.function = deliver_stamps;
	netif_napi_add(dev, &nic->napi, nic_poll);

	err = phc_register(nic, &pdev->dev);
	if (err)
		goto free;
	err = register_netdev(dev);
	if (err)
		goto unregister_phc;
	rtnl_lock();
	rcu_assign_pointer(nics[nic->index], nic);
	rtnl_unlock();
	platform_set_drvdata(pdev, nic);
	return 0;

unregister_phc:
	ptp_clock_unregister(nic->phc.ptp);
free:
	free_netdev(dev);
	return err;
}

static void nic_remove(struct platform_device *pdev)
{
	struct nic *nic = platform_get_drvdata(pdev);

	unregister_netdev(nic->dev);
	rtnl_lock();
	RCU_INIT_POINTER(nics[nic->index], NULL);
	rtnl_unlock();
	/* The other end may be in the middle of sending us a packet. */
	synchronize_net();
	hrtimer_cancel(&nic->stamp_timer);
	skb_queue_purge(&nic->stamping);
	skb_queue_purge(&nic->received);
	ptp_clock_unregister(nic->phc.ptp);
	free_netdev(nic->dev);
}

static struct platform_driver hwveth_driver = {
	.probe = nic_probe,
	.remove = nic_remove,
	.driver = {
		.name = "hwveth",
	},
};

static void remove_devices(void)
{
	unsigned int i;

	for (i = 0; i < MAX_NICS; i++)
		if (platform_devices[i])
			platform_device_unregister(platform_devices[i]);
}

static int __init hwveth_init(void)
{
	unsigned int count = clamp(pairs, 1, MAX_NICS / 2) * 2;
	unsigned int i;
	int err;

	err = platform_driver_register(&hwveth_driver);
	if (err)
		return err;
	for (i = 0; i < count; i++) {
		struct platform_device *pdev;

		pdev = platform_device_register_simple("hwveth", i, NULL, 0);
		if (IS_ERR(pdev)) {
			remove_devices();
			platform_driver_unregister(&hwveth_driver);
			return PTR_ERR(pdev);
		}
		platform_devices[i] = pdev;
	}
	return 0;
}
module_init(hwveth_init);

static void __exit hwveth_exit(void)
{
	remove_devices();
	platform_driver_unregister(&hwveth_driver);
}
module_exit(hwveth_exit);

MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("Pairs of NICs with PTP hardware clocks and packet stamps of known truth");
