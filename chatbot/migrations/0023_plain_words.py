# Help texts and labels only: no change of the database.

import chatbot.models.seen
import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('chatbot', '0022_used_links'),
        ('crm', '0011_who_is_who'),
    ]

    operations = [
        migrations.AlterField(
            model_name='inbox',
            name='alert_fall',
            field=models.FloatField(default=0.8, help_text='From 0.2 or higher, on the scale from −1 to 1. 0: never.', validators=[django.core.validators.MinValueValidator(0.0), django.core.validators.MaxValueValidator(2.0)], verbose_name='the score falls by'),
        ),
        migrations.AlterField(
            model_name='action',
            name='active',
            field=models.BooleanField(default=True, help_text='Off: nobody gets the offer.'),
        ),
        migrations.AlterField(
            model_name='action',
            name='endpoints',
            field=models.ManyToManyField(blank=True, help_text='They carry it out: each of them receives the request.', to='crm.endpoint'),
        ),
        migrations.AlterField(
            model_name='action',
            name='key',
            field=models.SlugField(help_text='Its name in the event, e.g. open_return.'),
        ),
        migrations.AlterField(
            model_name='action',
            name='name',
            field=models.CharField(help_text='Customers read it, e.g. Open a return.', max_length=60, validators=[chatbot.models.seen.seen]),
        ),
        migrations.AlterField(
            model_name='action',
            name='patience',
            field=models.PositiveSmallIntegerField(default=10, help_text='After this time, Attune asks a colleague to handle the request.', validators=[django.core.validators.MinValueValidator(1)], verbose_name='minutes without an answer'),
        ),
        migrations.AlterField(
            model_name='action',
            name='signed_in',
            field=models.BooleanField(default=True, help_text='Off: visitors who are not signed in on your site get the offer too.', verbose_name='only for signed-in customers'),
        ),
        migrations.AlterField(
            model_name='action',
            name='text',
            field=models.CharField(help_text='Customers read it: what happens after they confirm.', max_length=300, validators=[chatbot.models.seen.seen], verbose_name='what it does'),
        ),
        migrations.AlterField(
            model_name='action',
            name='words',
            field=models.JSONField(default=list, help_text='Words that customers use to ask for it.'),
        ),
        migrations.AlterField(
            model_name='actionfield',
            name='label',
            field=models.CharField(help_text='Customers read it.', max_length=80, validators=[chatbot.models.seen.seen]),
        ),
        migrations.AlterField(
            model_name='actionfield',
            name='name',
            field=models.SlugField(help_text='Its name in the event, e.g. order.', max_length=40),
        ),
        migrations.AlterField(
            model_name='actionfield',
            name='options',
            field=models.JSONField(blank=True, default=list, help_text='For a choice: the options. For a record: its kinds, e.g. order.'),
        ),
        migrations.AlterField(
            model_name='actionrequest',
            name='answer',
            field=models.CharField(blank=True, help_text="The CRM's answer.", max_length=500),
        ),
        migrations.AlterField(
            model_name='apikey',
            name='name',
            field=models.CharField(help_text='Its owner and its purpose.', max_length=100, validators=[chatbot.models.seen.seen]),
        ),
        migrations.AlterField(
            model_name='cannedanswer',
            name='text',
            field=models.TextField(help_text="May contain {customer}, {agent}, {inbox} and {order}: the names of the customer, the agent and the inbox, and the title of the customer's latest order.", validators=[chatbot.models.seen.seen]),
        ),
        migrations.AlterField(
            model_name='conversation',
            name='read_seq',
            field=models.PositiveIntegerField(default=0, help_text='The last seq the visitor saw.'),
        ),
        migrations.AlterField(
            model_name='inbox',
            name='alert_mood',
            field=models.FloatField(default=-0.5, help_text='After at least two negative messages. 0: never.', validators=[django.core.validators.MinValueValidator(-1.0), django.core.validators.MaxValueValidator(0.0)], verbose_name='the mood is at or below'),
        ),
        migrations.AlterField(
            model_name='inbox',
            name='auto_assign',
            field=models.BooleanField(default=False, help_text='Waiting customers go to the least busy agent who is online and has room.', verbose_name='assign automatically'),
        ),
        migrations.AlterField(
            model_name='inbox',
            name='key',
            field=models.SlugField(help_text="The value of the widget's data-inbox.", unique=True),
        ),
        migrations.AlterField(
            model_name='inbox',
            name='learning',
            field=models.BooleanField(default=False, help_text="The customers have agreed that their corrected messages, without personal data, may train this site's sentiment classifier.", verbose_name='learn from corrections'),
        ),
        migrations.AlterField(
            model_name='reply',
            name='timings',
            field=models.JSONField(blank=True, default=dict, help_text='Seconds since the claim.'),
        ),
        migrations.AlterField(
            model_name='team',
            name='inboxes',
            field=models.ManyToManyField(blank=True, help_text='None: all inboxes.', to='chatbot.inbox'),
        ),
        migrations.AlterField(
            model_name='team',
            name='topics',
            field=models.JSONField(blank=True, default=list, help_text="Customers' words that send a request to this team first."),
        ),
        migrations.AlterField(
            model_name='tier',
            name='from_difficulty',
            field=models.FloatField(default=0.0, help_text='It answers questions of at least this difficulty, 0 to 1; the smallest has 0.', validators=[django.core.validators.MinValueValidator(0.0), django.core.validators.MaxValueValidator(1.0)]),
        ),
    ]
