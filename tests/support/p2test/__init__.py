"""What the end-to-end tests are made of: real XMPP servers, a phone, the FCM stand-in and p2 as processes on loopback.

Nothing here sleeps for a fixed time and no port is fixed: every wait is for an event, with a deadline.
"""
