"""Shopbell: the bell over a web shop's door.

The one path: event in → visitor state → rules → decision → delivery. The rooms, lowest first; imports point down only::

    words   errors       everything that can go wrong, one tree
            clock        time as whole milliseconds
            money        amounts as whole minor units
            ids          new, derived and hashed names
            strictjson   JSON from strangers
            settings     the environment
            crashpoints  places where a test may kill a process
            recovery     every wait after a death, and the sums that are promised
            said         a sentence for a marketer, to be said in their language
    core    events       what is reported, checked and normalised
            visitors     what is known of a visitor, and how an event changes it
            people       somebody with an address
            leaving      why a cart was left
            vocabulary   Segment's, Google's and Shopify's names for our events
            messages     what is brought, and what became of it
            decisions    what a rule decided, and why
            rules        the rule language: load, check, evaluate
    ports   store        SQL: the truth
            hints        RQ: the bell
            http         calls to other systems, to public addresses only
            integration  what a file in integrations/ provides
            links        signed addresses in mails
            language     catalogues of translations
            tether       a child that ends with its parent
            embedded     a Valkey of our own, where none is given
            mailbox      the development mail server
    flow    mail         a decision as a mail
            pipeline     where the steps meet
            stitch       whose are the events that a shop's platform tells
            intake       what a platform tells, taken in; requests, quarantine
            errands      platforms are asked for what a webhook missed, chat tools for who is there
            lanes        several of them at once, one at a time each
            meter        no more calls to a platform than it takes
            connect      a platform's webhooks, made what they should be
            identify     which person a visitor is
            records      what is kept beside the state: carts, orders, reports
            committer    requests that wait together are committed together
            holding      what somebody holds is theirs for as long as they live
            deliver      claim, last look, intent, send, outcome
            jobs         what a worker does with a hint
            schedule     the clock's rounds
            live         rule sets and keys in use, reloaded when they change
            explain      why a rule is silent
            rehearsal    a shop in memory, for rule tests and replay
            replay       stored events against other rules
            past         how things stood at a moment that is over
            standing     how each shop's connections stand
            doctor       a shop's page, as a browser gets it
    doors   web          Flask: events, links, health, pages for people
            cli          the shopbell command
            supervisor   all processes in one terminal

Nothing in ``core`` knows Flask, Redis, SQLAlchemy, RQ, requests or the time of day: live traffic, timers, rule tests
and ``shopbell why`` all run the same code.
"""
